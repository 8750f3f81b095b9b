#define _GNU_SOURCE
#include <forklift/plugin.h>
#include <unistd.h>

static int create(const forklift_host *host, void **instance) {
  (void)instance;
  host->log(host, FORKLIFT_LOG_INFO, "create hangs");
  while (pause() == -1) continue;
  return 0;
}

static int produce(void *instance, const forklift_env *env, forklift_body *body, forklift_out *out) {
  (void)instance, (void)env, (void)body, (void)out;
  return 1;
}

FORKLIFT_PLUGIN("create_hangs", "1.0", .create = create, .produce = produce);
