#include <forklift/plugin.h>
#include <stdio.h>

static int create(const forklift_host *host, void **instance) {
  (void)host, (void)instance;
  while (puts("one more line") >= 0) continue;
  return 0;
}

static int produce(void *instance, const forklift_env *env, forklift_body *body, forklift_out *out) {
  (void)instance, (void)env, (void)body, (void)out;
  return 1;
}

FORKLIFT_PLUGIN("create_prints_for_ever", "1.0", .create = create, .produce = produce);
