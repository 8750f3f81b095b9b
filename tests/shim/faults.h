/* What the preloaded library faults.c and the harness (tests/integration/harness/faults.h) share: the contents of a file that
 * both map, so that a test can turn faults on and off while the server runs. */
#ifndef FORKLIFT_TESTS_SHIM_FAULTS_H
#define FORKLIFT_TESTS_SHIM_FAULTS_H

#include <stdint.h>

/* The calls that can fail. `pwrite` is what fills an image, `write` what writes the log. */
enum shim_call {
  SHIM_ACCEPT4,
  SHIM_EPOLL_CTL,
  SHIM_FORK,
  SHIM_KILL,
  SHIM_MEMFD_CREATE,
  SHIM_OPEN,
  SHIM_PWRITE,
  SHIM_SENDMSG,
  SHIM_WRITE,
  SHIM_CALLS
};

/* In which processes. 0: the call succeeds everywhere. */
enum shim_place { SHIM_MASTER = 1, SHIM_WORKERS = 2, SHIM_EVERYWHERE = SHIM_MASTER | SHIM_WORKERS };

/* Of the calls in `places`, which are counted together, the first `after` succeed, and the next `count` fail with `error`. */
struct shim_fault {
  uint32_t places; /* atomic: set last, when the rest of the record says what is to happen */
  int32_t error;
  uint32_t after;
  uint32_t count;
  uint32_t seen; /* atomic: calls so far */
};

struct shim_faults {
  struct shim_fault calls[SHIM_CALLS];
  int64_t clock_step; /* atomic: seconds by which the wall clock (CLOCK_REALTIME) is wrong */
};

#endif
