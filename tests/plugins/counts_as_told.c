/* Counts what it is asked, with the counter `hits` and the gauge `level`, and answers with its pid.
 *
 *   HTTP_X_ADD     is added to `hits`; 1 without it
 *   HTTP_X_LEVEL   is what `level` is set to
 *   HTTP_X_RAISE   is added to `level`
 *   HTTP_X_DO      die: is killed when it has counted
 *
 * The setting `also` names one more counter, which counts each request; `kind: gauge` makes it a gauge. */
#include <forklift/stats.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const forklift_stats *stats;
static int hits, level, also;

static int create(const forklift_host *host, void **instance) {
  (void)instance;
  stats = host->service(host, FORKLIFT_STATS_ID);
  if (stats == NULL) return 1;
  hits = stats->counter(stats, "hits", "requests, or as many as each says");
  level = stats->gauge(stats, "level", NULL);
  const char *name = host->settings->get(host->settings, "also", NULL);
  const char *kind = host->settings->get(host->settings, "kind", NULL);
  if (name != NULL) also = (kind != NULL ? stats->gauge : stats->counter)(stats, name, NULL);
  if (hits > 0 && level > 0 && also >= 0) return 0;
  host->refuse(host, name != NULL ? "also" : NULL, "cannot be registered");
  return 1;
}

static int produce(void *instance, const forklift_env *env, forklift_body *body, forklift_out *out) {
  (void)instance, (void)body;
  const char *add = env->get(env, "HTTP_X_ADD", NULL);
  const char *set = env->get(env, "HTTP_X_LEVEL", NULL);
  const char *more = env->get(env, "HTTP_X_RAISE", NULL);
  const char *what = env->get(env, "HTTP_X_DO", NULL);
  stats->add(stats, hits, add != NULL ? strtoll(add, NULL, 10) : 1);
  if (set != NULL) stats->set(stats, level, strtoll(set, NULL, 10));
  if (more != NULL) stats->add(stats, level, strtoll(more, NULL, 10));
  stats->add(stats, also, 1);
  if (what != NULL && strcmp(what, "die") == 0) raise(SIGKILL);
  char page[100];
  const int size = snprintf(page, sizeof page, "Content-Type: text/plain\n\n%d\n", (int)getpid());
  return out->write(out, page, (size_t)size);
}

FORKLIFT_PLUGIN("counts_as_told", "1.0", .create = create, .produce = produce);
