/* Built for the next minor of the plugin API, as its header will do it: with a note that says so. */
#include <forklift/plugin.h>

#include "trace.h"

enum { kNextMinor = FORKLIFT_API_MINOR + 1 };
#undef FORKLIFT_API_MINOR
#define FORKLIFT_API_MINOR kNextMinor

static int produce(void *instance, const forklift_env *env, forklift_body *body, forklift_out *out) {
  (void)instance, (void)env, (void)body, (void)out;
  return 1;
}

FORKLIFT_PLUGIN("newer_api_noted", "1.0", .produce = produce);
