#include "cli/orphans.h"

#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <cerrno>
#include <csignal>
#include <fstream>

namespace forklift::cli {

namespace {

constexpr int kPauseMilliseconds = 5;

bool has_children() {
  return ::waitid(P_ALL, 0, nullptr, WEXITED | WNOHANG | WNOWAIT) == 0 || errno != ECHILD;
}

}  // namespace

void Orphans::adopt() {
  adopts_ = !has_children() && ::prctl(PR_SET_CHILD_SUBREAPER, 1) == 0;
}

// In rounds: the orphans of those that were killed come next.
void Orphans::end(TimePoint deadline) {
  while (adopts_ && has_children() && Clock::now() < deadline) {
    // Nobody but this thread reaps them, so the numbers are theirs (proc_pid_task(5); this program has one thread).
    std::ifstream children("/proc/thread-self/children");
    for (pid_t child = 0; children >> child;) ::kill(child, SIGKILL);
    while (::waitpid(-1, nullptr, WNOHANG) > 0) continue;
    ::poll(nullptr, 0, kPauseMilliseconds);
  }
}

}  // namespace forklift::cli
