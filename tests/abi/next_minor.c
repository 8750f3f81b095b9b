/* A plugin for the minor after today's (next_minor.py): it asks for what today's host does not have. Says how large the tables
 * are that it gets. */
#include <forklift/plugin.h>
#include <stdio.h>

static const forklift_host *the_host;

static int create(const forklift_host *host, void **instance) {
  (void)instance;
  the_host = host;
  return FORKLIFT_OK;
}

static int produce(void *instance, const forklift_env *env, forklift_body *body, forklift_out *out) {
  (void)instance;
  const int all = the_host->version.size == sizeof(forklift_host) && env->version.size == sizeof(forklift_env) &&
                  the_host->settings->version.size == sizeof(forklift_settings) &&
                  body->version.size == sizeof(forklift_body) && out->version.size == sizeof(forklift_out);
  char page[100];
  const int size = snprintf(page, sizeof page, "Content-Type: text/plain\n\nminor %d, %s", (int)out->version.minor,
                            all && !FORKLIFT_HAS(out, novelty) ? "all tables have grown" : "tables have other sizes");
  return out->write(out, page, (size_t)size);
}

FORKLIFT_PLUGIN("next", "1.0", .create = create, .produce = produce);
