/* Logs a line in produce, and one when the response was sent. */
#include <forklift/defer.h>
#include <forklift/plugin.h>

static const forklift_host *host;

static int create(const forklift_host *given, void **instance) {
  (void)instance;
  host = given;
  return 0;
}

static void work(void *line) {
  host->log(host, FORKLIFT_LOG_INFO, line);
}

static int produce(void *instance, const forklift_env *env, forklift_body *body, forklift_out *out) {
  (void)instance, (void)env, (void)body;
  static char line[] = "deferred";
  const forklift_defer *defer = host->service(host, FORKLIFT_DEFER_ID);
  if (defer == NULL || defer->after_response(defer, work, line) != FORKLIFT_OK) return 1;
  host->log(host, FORKLIFT_LOG_INFO, "produced");
  static const char page[] = "Content-Type: text/plain\n\npage\n";
  return out->write(out, page, sizeof page - 1);
}

FORKLIFT_PLUGIN("defers_a_line", "1.0", .create = create, .produce = produce);
