/* The application of the example in SCGI's text: it knows one answer, and one question. */
#include <forklift/plugin.h>
#include <string.h>

static int produce(void *instance, const forklift_env *env, forklift_body *body, forklift_out *out) {
  static const char question[] = "What is the answer to life?";
  static const char answer[] = "Status: 200 OK\r\nContent-Type: text/plain\r\n\r\n42";
  (void)instance;

  const char *uri = env->get(env, "REQUEST_URI", NULL);
  if (uri == NULL || strcmp(uri, "/deepthought") != 0) {
    out->fail(out, "REQUEST_URI is not /deepthought");
    return 1;
  }
  char buffer[64];
  size_t size = 0;
  for (int64_t n; size < sizeof buffer && (n = body->read(body, buffer + size, sizeof buffer - size)) != 0;) {
    if (n < 0) return 1;
    size += (size_t)n;
  }
  if (size != sizeof question - 1 || memcmp(buffer, question, size) != 0) {
    out->fail(out, "the body is another question");
    return 1;
  }
  return out->write(out, answer, sizeof answer - 1);
}

FORKLIFT_PLUGIN("deepthought", "1.0", .produce = produce);
