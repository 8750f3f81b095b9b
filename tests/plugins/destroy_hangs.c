/* Is never done with its end. It has no page /missing. */
#include <forklift/plugin.h>
#include <string.h>
#include <unistd.h>

static int produce(void *instance, const forklift_env *env, forklift_body *body, forklift_out *out) {
  (void)instance, (void)body;
  static const char page[] = "Content-Type: text/plain\n\nhello\n";
  static const char missing[] = "Status: 404 Not Found\nContent-Type: text/plain\n\nmissing\n";
  const char *uri = env->get(env, "REQUEST_URI", NULL);
  const char *answer = uri && strcmp(uri, "/missing") == 0 ? missing : page;
  return out->write(out, answer, strlen(answer));
}

static void destroy(void *instance) {
  (void)instance;
  while (pause() == -1) continue;
}

FORKLIFT_PLUGIN("destroy_hangs", "1.0", .produce = produce, .destroy = destroy);
