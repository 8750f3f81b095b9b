/* Built for the next major of the plugin API. */
#include <forklift/plugin.h>

const void *forklift_plugin_v2(void);

FORKLIFT_EXPORT const void *forklift_plugin_v2(void) {
  return 0;
}
