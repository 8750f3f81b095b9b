#include "worker/process_state.h"

#include <fcntl.h>
#include <sys/time.h>
#include <unistd.h>

namespace forklift::worker {

Result<ProcessState> ProcessState::take() {
  ProcessState state;
  state.folder_.reset(::open(".", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!state.folder_) return fail_errno("open the working folder");
  state.umask_ = ::umask(0);
  ::umask(state.umask_);
  ::sigprocmask(SIG_SETMASK, nullptr, &state.mask_);
  itimerval timer{};
  ::getitimer(ITIMER_REAL, &timer);
  state.has_timer_ = timer.it_value.tv_sec != 0 || timer.it_value.tv_usec != 0;
  return state;
}

Result<void> ProcessState::restore() const {
  ::umask(umask_);
  // Before the mask: a signal that is blocked is not to hit a worker whose request is over.
  const itimerval off{};
  if (!has_timer_) ::setitimer(ITIMER_REAL, &off, nullptr);
  ::sigprocmask(SIG_SETMASK, &mask_, nullptr);
  if (::fchdir(folder_.get()) != 0) return fail_errno("fchdir to the working folder");
  return {};
}

}  // namespace forklift::worker
