/* Is killed when it is created, as by the kernel for want of memory. */
#include <forklift/plugin.h>
#include <signal.h>

static int create(const forklift_host *host, void **instance) {
  (void)host, (void)instance;
  return raise(SIGKILL);
}

static int produce(void *instance, const forklift_env *env, forklift_body *body, forklift_out *out) {
  (void)instance, (void)env, (void)body, (void)out;
  return 1;
}

FORKLIFT_PLUGIN("create_crashes", "1.0", .create = create, .produce = produce);
