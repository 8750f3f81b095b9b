/* From the first request with HTTP_X_LEAK on, a thread takes every descriptor that is free below the limit, also the one that
 * a request has given back. The limit is set to 64 first, so that it does not take long. The page tells the worker's pid. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <forklift/plugin.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

static void *leak(void *nothing) {
  for (;;) {
    if (open("/dev/null", O_RDONLY | O_CLOEXEC) < 0) usleep(1000);
  }
  return nothing;
}

static int begin_to_leak(void) {
  const struct rlimit few = {64, 64};
  pthread_t thread;
  return setrlimit(RLIMIT_NOFILE, &few) != 0 || pthread_create(&thread, NULL, leak, NULL) != 0;
}

static int produce(void *instance, const forklift_env *env, forklift_body *body, forklift_out *out) {
  (void)instance, (void)body;
  if (env->get(env, "HTTP_X_LEAK", NULL) != NULL && begin_to_leak() != 0) return 1;
  char page[64];
  const int size = snprintf(page, sizeof page, "Content-Type: text/plain\n\n%d", (int)getpid());
  return out->write(out, page, (size_t)size);
}

FORKLIFT_PLUGIN("leaks_descriptors", "1.0", .produce = produce);
