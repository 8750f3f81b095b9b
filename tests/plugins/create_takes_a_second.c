/* Answers like hello, from a worker that has taken a second to start. */
#include <forklift/plugin.h>
#include <time.h>

static int create(const forklift_host *host, void **instance) {
  (void)host, (void)instance;
  struct timespec second = {.tv_sec = 1};
  while (nanosleep(&second, &second) != 0) continue;
  return FORKLIFT_OK;
}

static int produce(void *instance, const forklift_env *env, forklift_body *body, forklift_out *out) {
  static const char page[] = "Content-Type: text/plain\n\nready\n";
  (void)instance, (void)env, (void)body;
  return out->write(out, page, sizeof page - 1);
}

FORKLIFT_PLUGIN("create_takes_a_second", "1.0", .create = create, .produce = produce);
