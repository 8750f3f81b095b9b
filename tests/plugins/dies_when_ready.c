/* Becomes READY, and dies of SIGABRT a moment later, whatever it has to do by then. A request is never answered. */
#include <forklift/plugin.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static void *die(void *nothing) {
  const struct timespec moment = {.tv_nsec = 20 * 1000 * 1000};
  nanosleep(&moment, NULL);
  abort();
  return nothing;
}

static int create(const forklift_host *host, void **instance) {
  (void)host, (void)instance;
  pthread_t thread;
  return pthread_create(&thread, NULL, die, NULL) == 0 ? FORKLIFT_OK : FORKLIFT_ENOMEM;
}

static int produce(void *instance, const forklift_env *env, forklift_body *body, forklift_out *out) {
  (void)instance, (void)env, (void)body, (void)out;
  for (;;) pause();
  return 1;
}

FORKLIFT_PLUGIN("dies_when_ready", "1.0", .create = create, .produce = produce);
