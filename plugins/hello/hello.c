/* The smallest plugin: the same page for every request. */
#include <forklift/plugin.h>

static int produce(void* instance, const forklift_env* env, forklift_body* body, forklift_out* out) {
  (void)instance, (void)env, (void)body;
  static const char page[] = "Content-Type: text/plain\n\nHello, world\n";
  return out->write(out, page, sizeof page - 1);
}

FORKLIFT_PLUGIN("hello", "1.0", .produce = produce);
