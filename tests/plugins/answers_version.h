/* The page is VERSION, a string literal that is defined before this file is included: one plugin in several builds.
 * Other pages: /big is a megabyte of it, /app is "APP GENERATION VERSION". A request for /leave ends its worker, one
 * for /status/NNN is answered with that status. */
#include <forklift/plugin.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const forklift_host* host_;
static char big[1024 * 1024];

static int create(const forklift_host* host, void** instance) {
  (void)instance;
  host_ = host;
  for (size_t i = 0; i < sizeof big; ++i) big[i] = VERSION[i % (sizeof VERSION - 1)];
  return FORKLIFT_OK;
}

static int send(forklift_out* out, int status, const char* page, size_t size) {
  char length[32];
  snprintf(length, sizeof length, "%zu", size);
  const forklift_header headers[] = {{"Content-Type", "text/plain"}, {"Content-Length", length}};
  const int begun = out->begin(out, status, headers, 2);
  return begun != FORKLIFT_OK ? begun : out->write(out, page, size);
}

static int produce(void* instance, const forklift_env* env, forklift_body* body, forklift_out* out) {
  (void)instance, (void)body;
  const char* uri = env->get(env, "REQUEST_URI", NULL);
  if (uri == NULL) uri = "";
  if (strcmp(uri, "/leave") == 0) _exit(0);
  if (strcmp(uri, "/big") == 0) return send(out, 200, big, sizeof big);
  if (strncmp(uri, "/status/", 8) == 0) return send(out, atoi(uri + 8), "", 0);
  if (strcmp(uri, "/app") == 0) {
    char page[200];
    const int size =
        snprintf(page, sizeof page, "%s %llu %s", host_->app, (unsigned long long)host_->generation, VERSION);
    return send(out, 200, page, (size_t)size);
  }
  return send(out, 200, VERSION, sizeof VERSION - 1);
}

FORKLIFT_PLUGIN("answers_version", VERSION, .create = create, .produce = produce);
