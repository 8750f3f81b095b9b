/* Is not created as long as the file that the setting `file` names exists; answers like hello then. */
#include <forklift/plugin.h>
#include <time.h>
#include <unistd.h>

static int create(const forklift_host *host, void **instance) {
  (void)instance;
  const char *file = host->settings->get(host->settings, "file", NULL);
  const struct timespec moment = {.tv_nsec = 10 * 1000 * 1000};
  while (file != NULL && access(file, F_OK) == 0) nanosleep(&moment, NULL);
  return FORKLIFT_OK;
}

static int produce(void *instance, const forklift_env *env, forklift_body *body, forklift_out *out) {
  static const char page[] = "Content-Type: text/plain\n\ncreated\n";
  (void)instance, (void)env, (void)body;
  return out->write(out, page, sizeof page - 1);
}

FORKLIFT_PLUGIN("create_waits_while_told", "1.0", .create = create, .produce = produce);
