// @NAME@: a Forklift plugin. forklift/plugin.h says of every function what it does, who may call it and when, and how
// long each pointer lives.
#include <forklift/plugin.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// What a worker keeps from one request to the next. Each worker is a process with its own.
struct state {
  const char *greeting;
  unsigned long requests;
};

// Once a worker, before its first request.
static int create(const forklift_host *host, void **instance) {
  const char *greeting = host->settings->get(host->settings, "greeting", NULL);
  if (greeting && !*greeting) {
    host->refuse(host, "greeting", "must not be empty");
    return 1;
  }
  struct state *state = calloc(1, sizeof *state);
  if (!state) return 1;
  state->greeting = greeting ? greeting : "Hello";  // the host's strings live as long as the plugin
  *instance = state;
  return 0;
}

// Once a request.
static int produce(void *instance, const forklift_env *env, forklift_body *body, forklift_out *out) {
  (void)body;  // what is not read of it is thrown away
  struct state *state = instance;
  const char *path = env->get(env, "DOCUMENT_URI", NULL);
  const forklift_header headers[] = {{"Content-Type", "text/plain; charset=utf-8"}};

  if (!path || strcmp(path, "/") != 0) {
    static const char page[] = "There is no such page.\n";
    if (out->begin(out, 404, headers, 1) != FORKLIFT_OK) return 1;
    return out->write(out, page, sizeof page - 1);
  }

  char count[64];
  snprintf(count, sizeof count, ", request %lu of this worker\n", ++state->requests);
  if (out->begin(out, 200, headers, 1) != FORKLIFT_OK) return 1;
  if (out->write(out, state->greeting, strlen(state->greeting)) != FORKLIFT_OK) return 1;
  return out->write(out, count, strlen(count));
}

// Once a worker, before it leaves.
static void destroy(void *instance) {
  free(instance);
}

FORKLIFT_PLUGIN("@NAME@", "1.0", .create = create, .produce = produce, .destroy = destroy);
