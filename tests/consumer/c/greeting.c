/* Greets, as its settings say. */
#include <forklift/plugin.h>
#include <string.h>

static const char greeting[] = "Hello, ";
static const forklift_settings *settings;

static int create(const forklift_host *host, void **instance) {
  (void)instance;
  settings = host->settings;
  return FORKLIFT_OK;
}

static int produce(void *instance, const forklift_env *env, forklift_body *body, forklift_out *out) {
  (void)instance, (void)env, (void)body;
  const char *name = settings->get(settings, "name", NULL);
  const forklift_header headers[] = {{"Content-Type", "text/plain"}};
  int result = out->begin(out, 200, headers, 1);
  if (result == FORKLIFT_OK) result = out->write(out, greeting, strlen(greeting));
  if (result == FORKLIFT_OK) result = out->write(out, name ? name : "world", strlen(name ? name : "world"));
  return result;
}

FORKLIFT_PLUGIN("greeting", "1.0", .create = create, .produce = produce);
