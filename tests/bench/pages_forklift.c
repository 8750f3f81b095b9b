/* The page of the benchmarks as a plugin: the generation that its settings name, after 20 ms where the path is /slow.
 */
#include <forklift/plugin.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char page[64];

static int create(const forklift_host* host, void** instance) {
  (void)instance;
  const char* generation = host->settings->get(host->settings, "generation", NULL);
  snprintf(page, sizeof page, "generation %s\n", generation != NULL ? generation : "0");
  return FORKLIFT_OK;
}

static int produce(void* instance, const forklift_env* env, forklift_body* body, forklift_out* out) {
  (void)instance, (void)body;
  static const forklift_header header = {"Content-Type", "text/plain"};
  const char* path = env->get(env, "PATH_INFO", NULL);
  if (path != NULL && strcmp(path, "/slow") == 0) usleep(20000);
  const int begun = out->begin(out, 200, &header, 1);
  return begun != FORKLIFT_OK ? begun : out->write(out, page, strlen(page));
}

FORKLIFT_PLUGIN("pages", "1.0", .create = create, .produce = produce);
