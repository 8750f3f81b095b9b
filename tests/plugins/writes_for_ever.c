/* Its page has no end. */
#include <forklift/plugin.h>
#include <string.h>

static int produce(void *instance, const forklift_env *env, forklift_body *body, forklift_out *out) {
  (void)instance, (void)env, (void)body;
  const forklift_header type = {"Content-Type", "text/plain"};
  char page[16 * 1024];
  memset(page, '.', sizeof page);
  int result = out->begin(out, 200, &type, 1);
  while (result == 0) result = out->write(out, page, sizeof page);
  return result;
}

FORKLIFT_PLUGIN("writes_for_ever", "1.0", .produce = produce);
