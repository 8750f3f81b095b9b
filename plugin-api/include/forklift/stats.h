/* forklift/stats.h - a plugin's own numbers in `forklift status`: the service "forklift.stats/1" of forklift/plugin.h
 *
 *     static const forklift_stats *stats;
 *     static int hits;
 *
 *     static int create(const forklift_host *host, void **instance) {
 *       stats = host->service(host, FORKLIFT_STATS_ID);                 // NULL on a host without it
 *       if (stats != NULL) hits = stats->counter(stats, "hits", "pages that were found in the cache");
 *       ...
 *     }
 *     ...
 *       if (stats != NULL) stats->add(stats, hits, 1);
 *
 * The numbers stand in memory that the worker shares with the master: to change one takes no system call and no lock, and the master
 * reads it without asking the worker, also when that hangs, and when it has died.
 *
 * A COUNTER counts what has happened. Shown is the sum over all workers that the app has ever had since the server was started, dead ones and
 * those of earlier generations included; a generation that has a counter of the same name goes on with it.
 * A GAUGE is how things are now: bytes in a cache, open connections to a database. Shown is the sum over the workers that live.
 * Both are whole numbers of 64 bits; choose the unit such that they can be, and put it into the name: `cache_bytes`.
 *
 * In C++: forklift/stats.hpp.
 */
#ifndef FORKLIFT_STATS_H
#define FORKLIFT_STATS_H

#include <forklift/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FORKLIFT_STATS_ID "forklift.stats/1"

/* How many a plugin can have, counters and gauges together, and how long their names and the texts about them may be, in bytes. */
#define FORKLIFT_STATS_MAX 32
#define FORKLIFT_STATS_NAME_MAX 48
#define FORKLIFT_STATS_HELP_MAX 128

/* Lifetime: as the host's, until destroy() has returned. */
typedef struct forklift_stats forklift_stats;
struct forklift_stats {
  forklift_version version;

  /* Registers a counter, or a gauge, that begins at 0, and returns its number, which is above 0. `name` is [a-z0-9_]+, at most
   * FORKLIFT_STATS_NAME_MAX bytes; `help`, which may be NULL, says in a few words what is counted; what is longer than
   * FORKLIFT_STATS_HELP_MAX is cut. A name that is registered already, as the same kind, has the same number.
   *
   * FORKLIFT_EINVAL, and a line in the log that says which: a name that is none, or stands for the other kind; more than
   * FORKLIFT_STATS_MAX; outside of create(), or on another thread.  [create] */
  int (*counter)(const forklift_stats *stats, const char *name, const char *help);
  int (*gauge)(const forklift_stats *stats, const char *name, const char *help);

  /* Adds `amount`, which for a gauge may be negative. A counter never falls: a negative amount does nothing to it. Nothing happens
   * either where `number` is none that was returned by the above, as a failure or 0 is.  [any] */
  void (*add)(const forklift_stats *stats, int number, int64_t amount);

  /* Sets a gauge. Nothing happens where `number` is not that of a gauge.  [any] */
  void (*set)(const forklift_stats *stats, int number, int64_t value);
};

#ifdef __cplusplus
}
#endif

#endif /* FORKLIFT_STATS_H */
