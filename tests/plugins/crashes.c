/* Dies of SIGSEGV in every request. */
#include <forklift/plugin.h>
#include <signal.h>

static int produce(void *instance, const forklift_env *env, forklift_body *body, forklift_out *out) {
  (void)instance, (void)env, (void)body, (void)out;
  raise(SIGSEGV);
  return 1;
}

FORKLIFT_PLUGIN("crashes", "1.0", .produce = produce);
