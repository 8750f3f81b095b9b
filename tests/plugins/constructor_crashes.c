#include <forklift/plugin.h>
#include <signal.h>

__attribute__((constructor)) static void construct(void) { raise(SIGSEGV); }

static int produce(void *instance, const forklift_env *env, forklift_body *body, forklift_out *out) {
  (void)instance, (void)env, (void)body, (void)out;
  return 1;
}

FORKLIFT_PLUGIN("constructor_crashes", "1.0", .produce = produce);
