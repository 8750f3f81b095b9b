#include "worker/leave.h"

#include <sys/prctl.h>
#include <unistd.h>

#include <cstdio>

// In a sanitizer build, the check that _exit would skip.
extern "C" int __lsan_do_recoverable_leak_check(void) __attribute__((weak));

namespace forklift::worker {

void leave(int status) {
  std::fflush(nullptr);
  // The check traces its own process, which only one that is dumpable allows.
  const bool checks = __lsan_do_recoverable_leak_check && status == 0 && ::prctl(PR_GET_DUMPABLE) == 1;
  if (checks && __lsan_do_recoverable_leak_check() != 0) status = 23;
  ::_exit(status);
}

}  // namespace forklift::worker
