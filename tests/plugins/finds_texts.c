/* Looks in all the memory of its process for texts. They are the values of the setting `backwards`, written that way so
 * that looking for them does not bring them into the memory. The page says of each whether it was found; so does the
 * log when the plugin is created, if the setting `at_create` is there. */
#define _GNU_SOURCE
#include <forklift/plugin.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

/* Nothing of interest is in a larger mapping: the sanitizers' shadows are. */
enum { LARGEST = 256 << 20, TEXTS = 16 };

static const forklift_host *the_host;

static int stands_at(const char *place, const char *backwards, size_t size) {
  for (size_t i = 0; i < size; ++i) {
    if (place[i] != backwards[size - 1 - i]) return 0;
  }
  return 1;
}

/* A copy of the mapping is searched, because parts of it may not be there; -1 if none is. */
static ssize_t copy(char *to, unsigned long from, size_t size) {
  const struct iovec local = {to, size}, remote = {(void *)from, size};
  return process_vm_readv(getpid(), &local, 1, &remote, 1, 0);
}

static void search(FILE *maps, const char *const *texts, int *found) {
  char line[512];
  while (fgets(line, sizeof line, maps) != NULL) {
    unsigned long begin = 0, end = 0;
    char mode[8];
    if (sscanf(line, "%lx-%lx %7s", &begin, &end, mode) != 3 || mode[0] != 'r' || end - begin > LARGEST) continue;
    char *bytes = malloc(end - begin);
    const ssize_t size = copy(bytes, begin, end - begin);
    for (int t = 0; t < TEXTS && texts[t] != NULL; ++t) {
      const size_t length = strlen(texts[t]);
      for (ssize_t i = 0; i + (ssize_t)length <= size; ++i) found[t] += stands_at(bytes + i, texts[t], length);
    }
    if (size > 0) memset(bytes, 0, (size_t)size);
    free(bytes);
  }
}

/* `found none ...`, one word for each text. */
static int look(char *page, size_t page_size) {
  const char *texts[TEXTS] = {NULL};
  int found[TEXTS] = {0};
  const size_t count = the_host->settings->count(the_host->settings, "backwards");
  for (size_t i = 0; i < count && i < TEXTS - 1; ++i) {
    char path[32];
    snprintf(path, sizeof path, "backwards[%zu]", i);
    texts[i] = the_host->settings->get(the_host->settings, path, NULL);
  }
  FILE *maps = fopen("/proc/self/maps", "r");
  if (maps == NULL) return 1;
  search(maps, texts, found);
  fclose(maps);
  size_t size = 0;
  for (size_t i = 0; i < count && i < TEXTS - 1; ++i) {
    size += (size_t)snprintf(page + size, page_size - size, "%s%s", i == 0 ? "" : " ", found[i] > 0 ? "found" : "none");
  }
  return 0;
}

static int create(const forklift_host *host, void **instance) {
  (void)instance;
  the_host = host;
  if (host->settings->get(host->settings, "at_create", NULL) == NULL) return 0;
  char words[256];
  if (look(words, sizeof words) != 0) return 1;
  host->log(host, FORKLIFT_LOG_INFO, words);
  return 0;
}

static int produce(void *instance, const forklift_env *env, forklift_body *body, forklift_out *out) {
  (void)instance, (void)env, (void)body;
  char words[256], page[512];
  if (look(words, sizeof words) != 0) return 1;
  const int size = snprintf(page, sizeof page, "Content-Type: text/plain\n\n%s", words);
  return out->write(out, page, (size_t)size);
}

FORKLIFT_PLUGIN("finds_texts", "1.0", .create = create, .produce = produce);
