/* Writes a line to standard error, which is the server's log, wherever a piece of it runs. With the setting `refuse`, create
 * does. */
#define _GNU_SOURCE
#include <forklift/plugin.h>
#include <stdio.h>
#include <unistd.h>

static void tell(const char *piece) { dprintf(STDERR_FILENO, "fixture: %s in pid %d uid %d\n", piece, getpid(), geteuid()); }

__attribute__((constructor)) static void construct(void) { tell("constructor"); }
__attribute__((destructor)) static void destruct(void) { tell("destructor"); }

static int create(const forklift_host *host, void **instance) {
  (void)instance;
  tell("create");
  return host->settings->get(host->settings, "refuse", NULL) != NULL;
}

static int produce(void *instance, const forklift_env *env, forklift_body *body, forklift_out *out) {
  (void)instance, (void)env, (void)body;
  tell("produce");
  static const char page[] = "Content-Type: text/plain\n\ntold\n";
  return out->write(out, page, sizeof page - 1);
}

static void destroy(void *instance) {
  (void)instance;
  tell("destroy");
}

FORKLIFT_PLUGIN("tells_where_it_runs", "1.0", .create = create, .produce = produce, .destroy = destroy);
