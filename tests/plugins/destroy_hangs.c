/* Is never done with its end. */
#include <forklift/plugin.h>
#include <string.h>
#include <unistd.h>

static int produce(void *instance, const forklift_env *env, forklift_body *body, forklift_out *out) {
  (void)instance, (void)env, (void)body;
  static const char page[] = "Content-Type: text/plain\n\nhello\n";
  return out->write(out, page, strlen(page));
}

static void destroy(void *instance) {
  (void)instance;
  while (pause() == -1) continue;
}

FORKLIFT_PLUGIN("destroy_hangs", "1.0", .produce = produce, .destroy = destroy);
