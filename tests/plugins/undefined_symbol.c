/* Linked although the function is nowhere: found when the plugin is loaded, and not in a request. */
#include <forklift/plugin.h>

int nowhere_to_be_found(void);

static int produce(void *instance, const forklift_env *env, forklift_body *body, forklift_out *out) {
  (void)instance, (void)env, (void)body, (void)out;
  return nowhere_to_be_found();
}

FORKLIFT_PLUGIN("undefined_symbol", "1.0", .produce = produce);
