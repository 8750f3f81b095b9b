#include "worker/process_state.h"

#include <fcntl.h>
#include <sys/time.h>
#include <unistd.h>

namespace forklift::worker {

namespace {

// Neither an alarm that is set, nor one that is pending, is to hit a worker whose request is over. One that was blocked
// in `mask` already harms nobody.
void drop_alarms(const sigset_t& mask) {
  const itimerval off{};
  ::setitimer(ITIMER_REAL, &off, nullptr);
  if (sigismember(&mask, SIGALRM) == 1) return;
  sigset_t alarm;
  sigemptyset(&alarm);
  sigaddset(&alarm, SIGALRM);
  const timespec no_time{};
  while (::sigtimedwait(&alarm, nullptr, &no_time) == SIGALRM) continue;
}

}  // namespace

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
  if (!has_timer_) drop_alarms(mask_);  // before the mask, which may have held them up
  ::sigprocmask(SIG_SETMASK, &mask_, nullptr);
  if (::fchdir(folder_.get()) != 0) return fail_errno("fchdir to the working folder");
  return {};
}

}  // namespace forklift::worker
