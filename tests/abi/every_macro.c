/* A plugin in C that uses every macro of plugin.h. */
#include <forklift/plugin.h>

static int create(const forklift_host* host, void** instance) {
  *instance = NULL;
  if (FORKLIFT_HAS(host, log)) host->log(host, FORKLIFT_LOG_DEBUG, "created");
  return FORKLIFT_OK;
}

static int produce(void* instance, const forklift_env* env, forklift_body* body, forklift_out* out) {
  (void)instance, (void)env, (void)body;
  return FORKLIFT_HAS(out, wait) && !FORKLIFT_HAS(out, fail) ? FORKLIFT_EINVAL : FORKLIFT_OK;
}

static int handle_connection(void* instance, int fd, const void* head, size_t size) {
  (void)instance, (void)fd, (void)head, (void)size;
  return FORKLIFT_OK;
}

static void destroy(void* instance) {
  (void)instance;
}

FORKLIFT_PLUGIN("every_macro", "1.0", .create = create, .produce = produce, .destroy = destroy,
                .handle_connection = handle_connection);
