/* The page is VERSION, a string literal that is defined before this file is included: one plugin in several builds. A request
 * for /leave ends its worker. */
#include <forklift/plugin.h>
#include <string.h>
#include <unistd.h>

static int produce(void *instance, const forklift_env *env, forklift_body *body, forklift_out *out) {
  (void)instance, (void)body;
  const char *uri = env->get(env, "REQUEST_URI", NULL);
  if (uri != NULL && strcmp(uri, "/leave") == 0) _exit(0);
  static const char page[] = "Content-Type: text/plain\n\n" VERSION;
  return out->write(out, page, sizeof page - 1);
}

FORKLIFT_PLUGIN("answers_version", VERSION, .produce = produce);
