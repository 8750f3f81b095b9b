#include "worker/orphan.h"

#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>
#include <ctime>

namespace forklift::worker {

namespace {

// One that no library claims: glibc keeps the first two real-time signals for itself, profilers take SIGPROF.
int death_signal() {
  return SIGRTMAX - 1;
}

timer_t g_timer;
itimerspec g_grace;

// Only system calls that are safe in a handler (timer_settime(2), signal-safety(7)).
void on_masters_death(int) {
  ::timer_settime(g_timer, 0, &g_grace, nullptr);
}

timespec to_timespec(Duration duration) {
  const auto whole = std::chrono::floor<seconds>(duration);
  return {.tv_sec = whole.count(), .tv_nsec = (duration - whole).count()};
}

Result<void> receive_at_death_of(pid_t master, int signal) {
  if (::prctl(PR_SET_PDEATHSIG, signal) != 0) return fail_errno("prctl(PR_SET_PDEATHSIG)");
  // It may have died between the fork and the line above.
  if (::getppid() != master) ::_exit(1);
  return {};
}

}  // namespace

Result<void> die_at_once_with(pid_t master) {
  return receive_at_death_of(master, SIGKILL);
}

Result<void> die_with(pid_t master, Duration grace) {
  // The timer stands ready, because a handler may not make one.
  sigevent event{};
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = SIGKILL;
  if (::timer_create(CLOCK_MONOTONIC, &event, &g_timer) != 0) return fail_errno("timer_create");
  g_grace.it_value = to_timespec(grace);

  struct sigaction action {};
  action.sa_handler = on_masters_death;
  action.sa_flags = SA_RESTART;
  if (::sigaction(death_signal(), &action, nullptr) != 0) return fail_errno("sigaction");
  return receive_at_death_of(master, death_signal());
}

}  // namespace forklift::worker
