#include <forklift/plugin.h>
#include <stdio.h>

__attribute__((constructor)) static void construct(void) { puts("printed by a constructor"); }

static int produce(void *instance, const forklift_env *env, forklift_body *body, forklift_out *out) {
  (void)instance, (void)env, (void)body;
  static const char page[] = "Content-Type: text/plain\n\nprinted\n";
  return out->write(out, page, sizeof page - 1);
}

FORKLIFT_PLUGIN("constructor_prints", "1.0", .produce = produce);
