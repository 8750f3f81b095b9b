/* Opens the library that the setting `library` names. */
#include <dlfcn.h>
#include <forklift/plugin.h>

static int create(const forklift_host *host, void **instance) {
  (void)instance;
  const char *library = host->settings->get(host->settings, "library", NULL);
  if (library != NULL && dlopen(library, RTLD_NOW | RTLD_LOCAL) != NULL) return FORKLIFT_OK;
  host->refuse(host, "library", "cannot be opened");
  return FORKLIFT_EINVAL;
}

static int produce(void *instance, const forklift_env *env, forklift_body *body, forklift_out *out) {
  (void)instance, (void)env, (void)body, (void)out;
  return 1;
}

FORKLIFT_PLUGIN("create_opens_a_library", "1.0", .create = create, .produce = produce);
