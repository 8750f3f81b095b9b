/* Never returns from a request. */
#include <forklift/plugin.h>
#include <unistd.h>

static int produce(void *instance, const forklift_env *env, forklift_body *body, forklift_out *out) {
  (void)instance, (void)env, (void)body, (void)out;
  for (;;) pause();
  return 1;
}

FORKLIFT_PLUGIN("hangs", "1.0", .produce = produce);
