/* Built for the next minor of the plugin API, by hand: without a note that says so. */
#include <forklift/plugin.h>

#include "trace.h"

static int produce(void *instance, const forklift_env *env, forklift_body *body, forklift_out *out) {
  (void)instance, (void)env, (void)body, (void)out;
  return 1;
}

const forklift_plugin *forklift_plugin_v1(void) {
  static const forklift_plugin plugin = {
      .version = {sizeof plugin, FORKLIFT_API_MAJOR, FORKLIFT_API_MINOR + 1},
      .name = "newer_api",
      .plugin_version = "1.0",
      .produce = produce,
  };
  return &plugin;
}
