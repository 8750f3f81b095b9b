/* Gives the response that HTTP_X_ANSWER names. */
#include <forklift/plugin.h>
#include <string.h>

#define TEXT(name, bytes) \
  { name, bytes, sizeof bytes - 1 }

static const struct {
  const char* name;
  const char* bytes;
  size_t size;
} answers[] = {
    TEXT("page", "Content-Type: text/plain\r\n\r\npage\n"),
    TEXT("204", "Status: 204 No Content\r\nX-Kept: yes\r\n\r\nnobody may see this"),
    TEXT("304", "Status: 304 Not Modified\r\nX-Kept: yes\r\n\r\nnobody may see this"),
    TEXT("301", "Status: 301 Moved Permanently\r\nLocation: http://localhost/elsewhere\r\n\r\n"),
    TEXT("location", "Location: http://localhost/elsewhere\r\n\r\n"),
    TEXT("401", "Status: 401 Unauthorized\r\nContent-Type: text/plain\r\n\r\nwho are you?\n"),
    TEXT("503", "Status: 503 Service Unavailable\r\nContent-Type: text/plain\r\n\r\nlater\n"),
    TEXT("cookies", "Content-Type: text/plain\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n\r\npage\n"),
    TEXT("cr", "Content-Type: text/plain\r\nX-Split: a\rX-Smuggled: yes\r\n\r\n"),
    TEXT("nul", "Content-Type: text/plain\r\nX-Nul: a\0b\r\n\r\n"),
    TEXT("no_name", "Content-Type: text/plain\r\n: a\r\n\r\n"),
    TEXT("no_colon", "Content-Type: text/plain\r\nnothing\r\n\r\n"),
    TEXT("two_lengths", "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
    TEXT("no_block", "this is a page and no header block"),
    TEXT("nothing", ""),
};

/* A cookie of 9 KiB. */
static int answer_large_cookie(forklift_out* out) {
  static char cookie[9 * 1024 + 1];
  memset(cookie, 'c', sizeof cookie - 1);
  const forklift_header headers[] = {{"Content-Type", "text/plain"}, {"Set-Cookie", cookie}};
  const int result = out->begin(out, 200, headers, sizeof headers / sizeof *headers);
  return result == 0 ? out->write(out, "page\n", 5) : result;
}

static int produce(void* instance, const forklift_env* env, forklift_body* body, forklift_out* out) {
  (void)instance, (void)body;
  const char* name = env->get(env, "HTTP_X_ANSWER", NULL);
  if (name == NULL) name = "page";
  if (strcmp(name, "crlf") == 0) {
    const forklift_header split = {"X-Split", "a\r\nX-Smuggled: yes"};
    return out->begin(out, 200, &split, 1);
  }
  if (strcmp(name, "large_cookie") == 0) return answer_large_cookie(out);
  for (size_t i = 0; i < sizeof answers / sizeof *answers; ++i) {
    if (strcmp(name, answers[i].name) == 0) return out->write(out, answers[i].bytes, answers[i].size);
  }
  return 1;
}

FORKLIFT_PLUGIN("answers_as_told", "1.0", .produce = produce);
