#include <forklift/plugin.h>

static int create(const forklift_host *host, void **instance) {
  (void)instance;
  host->refuse(host, NULL, "no such table: orders");
  return 1;
}

static int produce(void *instance, const forklift_env *env, forklift_body *body, forklift_out *out) {
  (void)instance, (void)env, (void)body, (void)out;
  return 1;
}

FORKLIFT_PLUGIN("create_refuses", "1.0", .create = create, .produce = produce);
