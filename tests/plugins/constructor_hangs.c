#include <forklift/plugin.h>
#include <unistd.h>

__attribute__((constructor)) static void construct(void) {
  while (pause() == -1) continue;
}

static int produce(void *instance, const forklift_env *env, forklift_body *body, forklift_out *out) {
  (void)instance, (void)env, (void)body, (void)out;
  return 1;
}

FORKLIFT_PLUGIN("constructor_hangs", "1.0", .produce = produce);
