/* Tells whose zlib it calls: that which it bundles, or that which the process has already. */
#include <dlfcn.h>
#include <forklift/plugin.h>
#include <stdio.h>

const char *zlibVersion(void);
int deflate(void *stream, int flush);

static int produce(void *instance, const forklift_env *env, forklift_body *body, forklift_out *out) {
  (void)instance, (void)env, (void)body;
  const char *(*of_process)(void) = NULL;
  *(void **)&of_process = dlsym(RTLD_DEFAULT, "zlibVersion");
  char page[200];
  /* deflate() of the real one answers no stream with an error. */
  const int size = snprintf(page, sizeof page, "Content-Type: text/plain\n\nzlib %s, deflate %d; the process %s", zlibVersion(),
                            deflate(NULL, 2), of_process ? "has one" : "has none");
  return out->write(out, page, (size_t)size);
}

FORKLIFT_PLUGIN("bundles_zlib", "1.0", .produce = produce);
