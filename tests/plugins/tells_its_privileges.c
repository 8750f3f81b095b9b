/* Tells what a worker, and what it starts, may still do of what the server was started with; when it is created in the
 * log, and as a page. The setting `key` is the description of a key in the session keyring of whoever started the
 * server. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <forklift/plugin.h>
#include <linux/keyctl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const forklift_host *the_host;

static int has_terminal(void) {
  const int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (fd >= 0) close(fd);
  return fd >= 0 || errno != ENXIO;
}

static int child_has_terminal(void) {
  const pid_t pid = fork();
  if (pid == 0) _exit(has_terminal());
  int status = -1;
  waitpid(pid, &status, 0);
  return status != 0;
}

static void tell_terminal(FILE *page) {
  fprintf(page, "terminal %s, of a child %s\n", has_terminal() ? "there" : "none",
          child_has_terminal() ? "there" : "none");
}

static void tell_key(FILE *page) {
  const char *name = the_host->settings->get(the_host->settings, "key", NULL);
  if (name == NULL) return;
  const long key = syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_SESSION_KEYRING, "user", name, 0);
  char secret[64] = "";
  if (key >= 0) syscall(SYS_keyctl, KEYCTL_READ, key, secret, sizeof secret - 1);
  fprintf(page, "key %s\n", key < 0 ? strerror(errno) : secret);
}

/* CapInh, CapPrm, CapEff and CapAmb. */
static void tell_capabilities(FILE *page) {
  FILE *status = fopen("/proc/self/status", "re");
  char line[256], set[4];
  unsigned long long bits = 0;
  while (status != NULL && fgets(line, sizeof line, status) != NULL) {
    if (sscanf(line, "Cap%3s:%llx", set, &bits) == 2 && strncmp(set, "Bnd", 3) != 0)
      fprintf(page, "%.3s %llx\n", set, bits);
  }
  if (status != NULL) fclose(status);
}

static char *told(void) {
  char *text = NULL;
  size_t size = 0;
  FILE *page = open_memstream(&text, &size);
  tell_terminal(page);
  tell_key(page);
  tell_capabilities(page);
  fclose(page);
  return text;
}

static int create(const forklift_host *host, void **instance) {
  (void)instance;
  the_host = host;
  char *text = told();
  for (char *rest = text, *line; (line = strsep(&rest, "\n")) != NULL && *line;)
    host->log(host, FORKLIFT_LOG_INFO, line);
  free(text);
  return 0;
}

static int produce(void *instance, const forklift_env *env, forklift_body *body, forklift_out *out) {
  (void)instance, (void)env, (void)body;
  const forklift_header type = {"Content-Type", "text/plain"};
  char *text = told();
  int result = out->begin(out, 200, &type, 1);
  if (result == 0) result = out->write(out, text, strlen(text));
  free(text);
  return result;
}

FORKLIFT_PLUGIN("tells_its_privileges", "1.0", .create = create, .produce = produce);
