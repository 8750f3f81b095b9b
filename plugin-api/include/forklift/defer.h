/* forklift/defer.h - work for when the response was sent: the service "forklift.defer/1" of forklift/plugin.h
 *
 * produce() answers at once and leaves to later what its client need not wait for: a mail, a line in a database,
 * a cache that is filled again.
 *
 *     static const forklift_defer *defer;                              // create(): defer = host->service(host, FORKLIFT_DEFER_ID);
 *
 *     static void send_mail(void *data) { ...; free(data); }
 *
 *     static int produce(void *instance, const forklift_env *env, forklift_body *body, forklift_out *out) {
 *       ...
 *       if (defer == NULL || defer->after_response(defer, send_mail, mail) != FORKLIFT_OK) send_mail(mail);
 *       return 0;
 *     }
 *
 * WHEN. Each work runs once, in the order in which it was given, on the worker's main thread, when the response was sent and the
 * connection ended: the client, and the front server, have let go by then. The worker is BUSY until the last one has returned, and gets
 * no other request: workers.max bounds requests and their deferred work together.
 *
 * IN ANY CASE, however the request has ended: also if produce() failed afterwards, or the client had gone. What was promised is done, and what
 * `data` points to is freed. So give work away where it is certain that it is to be done, which mostly is the end of produce().
 *
 * UNLESS the worker dies before: then nothing of it runs, as there is no process any more in which it could. What must not be lost
 * belongs in a file or a database before the response is sent.
 *
 * TIME. Each work has timeouts.request, as produce() has it without progress; one that takes longer is killed with its worker, and the
 * log says in whose deferred work that was. Its client has its response and notices nothing. timeouts.total, queue.age and the access log's
 * times are the client's, and end with the response. workers.max_requests and max_memory, a reload and a stop let deferred work
 * end, within timeouts.drain and timeouts.stop. A crash in it counts as one of its request for reload.probation, and reload.probe is passed when the
 * probe's deferred work is over.
 *
 * A work may use what create() was given, and nothing that produce() was given: that is gone. What C++ throws out of it is logged.
 * In C++: forklift/defer.hpp.
 */
#ifndef FORKLIFT_DEFER_H
#define FORKLIFT_DEFER_H

#include <forklift/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FORKLIFT_DEFER_ID "forklift.defer/1"

/* How many works one request can give away. */
#define FORKLIFT_DEFER_MAX 64

/* Lifetime: as the host's, until destroy() has returned. */
typedef struct forklift_defer forklift_defer;
struct forklift_defer {
  forklift_version version;

  /* Has `work(data)` run when the response was sent, see above. 0; FORKLIFT_ENOMEM if this is more than
   * FORKLIFT_DEFER_MAX for one request; FORKLIFT_EINVAL, and a line in the log, if `work` is NULL, or there is no request: outside of
   * produce() and handle_connection(), which includes deferred work, and on other threads than theirs. On failure `data` stays the
   * caller's, and the request is not touched.  [produce], and likewise in handle_connection() */
  int (*after_response)(const forklift_defer *defer, void (*work)(void *data), void *data);
};

#ifdef __cplusplus
}
#endif

#endif /* FORKLIFT_DEFER_H */
