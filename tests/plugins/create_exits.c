/* Ends the process when it is created. */
#include <forklift/plugin.h>
#include <stdlib.h>

static int create(const forklift_host *host, void **instance) {
  (void)host, (void)instance;
  exit(7);
}

static int produce(void *instance, const forklift_env *env, forklift_body *body, forklift_out *out) {
  (void)instance, (void)env, (void)body, (void)out;
  return 1;
}

FORKLIFT_PLUGIN("create_exits", "1.0", .create = create, .produce = produce);
