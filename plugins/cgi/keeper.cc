#include "keeper.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <ctime>
#include <utility>

namespace cgi {
namespace {

constexpr int kNotStarted = 127;  // as shells have it

// Of those that were killed; a process may sleep where no signal reaches it. Less than the worker waits.
constexpr int kRoundsMs = 1000;
constexpr int kRoundMs = 10;

void say(const Plan& plan, KeeperMessage message) {
  ::send(plan.control, &message, sizeof message, MSG_NOSIGNAL);
}

[[noreturn]] void give_up(const Plan& plan, int error, bool in_exec) {
  say(plan, {.kind = KeeperMessage::kFailed, .value = error, .in_exec = in_exec});
  ::_exit(kNotStarted);
}

void restore_signals() {
  struct sigaction action {};
  action.sa_handler = SIG_DFL;
  for (int number = 1; number < NSIG; ++number) ::sigaction(number, &action, nullptr);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

[[noreturn]] void become_program(const Plan& plan, pid_t keeper) {
  // The keeper may be killed, too. The program's own children are not reached then.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != keeper) ::_exit(kNotStarted);
  for (int number = 0; number < 3; ++number) {
    if (::dup2(plan.standard[number], number) < 0) give_up(plan, errno, false);
  }
  if (::chdir(plan.folder) != 0) give_up(plan, errno, false);
  // Also those that some library has opened without close-on-exec. Not closed yet: a failure is still to be told.
  if (::close_range(3, UINT_MAX, CLOSE_RANGE_CLOEXEC) != 0) give_up(plan, errno, false);
  restore_signals();
  ::execve(plan.file, plan.arguments, plan.environment);
  give_up(plan, errno, true);
}

// Negative ones are none.
template <std::size_t kCount>
void close_all_but(std::array<int, kCount> keep) {
  std::sort(keep.begin(), keep.end());
  unsigned first = 0;
  for (const int fd : keep) {
    if (fd < 0) continue;
    const auto kept = static_cast<unsigned>(fd);
    if (kept > first) ::close_range(first, kept - 1, 0);
    first = kept + 1;
  }
  ::close_range(first, UINT_MAX, 0);
}

std::int64_t now_ms() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::int64_t>(now.tv_sec) * 1000 + now.tv_nsec / 1'000'000;
}

// Calls visit(pid) for each child of this process that is in its session: a process that has left the group only is one
// of ours still, as timeout(1) and shells with jobs (`bash -m`) move what they run into groups of its own; a daemon has
// a session. Finds none where there is no /proc.
template <typename Visit>
void for_each_child_here(Visit visit) {
  if (::waitid(P_ALL, 0, nullptr, WEXITED | WNOHANG | WNOWAIT) != 0) return;    // there are none: the usual case
  const int list = ::open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);  // proc_pid_task(5)
  if (list < 0) return;
  const pid_t session = ::getsid(0);
  char buffer[4096];
  pid_t pid = 0;
  for (ssize_t n = 0; (n = ::read(list, buffer, sizeof buffer)) > 0;) {
    for (ssize_t i = 0; i < n; ++i) {
      if (buffer[i] >= '0' && buffer[i] <= '9') {
        pid = pid * 10 + (buffer[i] - '0');
      } else if (const pid_t child = std::exchange(pid, 0); child > 0 && ::getsid(child) == session) {
        visit(child);
      }
    }
  }
  ::close(list);
}

bool has_children_here() {
  bool has = false;
  for_each_child_here([&](pid_t) { has = true; });
  return has;
}

class Keeper {
 public:
  Keeper(const Plan& plan, pid_t program, int signals, pid_t outside)
      : plan_(plan), program_(program), signals_(signals), outside_(outside) {}

  [[noreturn]] void run() {
    while (!is_done()) {
      wait();
      reap();
      if (ending_) tell_strays();
    }
    leave();
  }

 private:
  bool is_done() const { return ending_ && (!is_anything_left() || now_ms() >= kill_at_); }

  bool is_anything_left() const { return program_ != 0 || has_children_in_group() || has_children_here(); }

  void wait() {
    pollfd polls[] = {{signals_, POLLIN, 0}, {is_orphan_ ? -1 : plan_.control, POLLIN, 0}};
    const std::int64_t left = ending_ ? std::max<std::int64_t>(kill_at_ - now_ms(), 0) : -1;
    if (::poll(polls, 2, static_cast<int>(std::min<std::int64_t>(left, INT_MAX))) < 0) return;
    signalfd_siginfo info{};
    if (polls[0].revents != 0 && ::read(signals_, &info, sizeof info) < 0) return;
    if (polls[1].revents != 0) obey();
  }

  void obey() {
    char order = 0;
    const ssize_t n = ::recv(plan_.control, &order, sizeof order, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n > 0 && order == kInputOrder) {
      if (plan_.input >= 0) ::close(plan_.input);
      return;
    }
    is_orphan_ = n <= 0;
    begin_end(is_orphan_ ? std::min(plan_.grace_ms, kOrphanGraceMs) : plan_.grace_ms);
  }

  // The program by its number, too: it may have left the group.
  void begin_end(int grace_ms) {
    const std::int64_t kill_at = now_ms() + grace_ms;
    kill_at_ = ending_ ? std::min(kill_at_, kill_at) : kill_at;
    if (ending_) return;
    ending_ = true;
    signal_all(SIGTERM);
    signal_all(SIGCONT);  // a stopped process would not notice
  }

  void signal_all(int number) const {
    if (program_ != 0) ::kill(program_, number);
    ::kill(-::getpid(), number);  // all signals but KILL and STOP are blocked here
  }

  // TERM, once each, to those in other groups: at first to those that are there, and later to the orphans of those that
  // have obeyed.
  void tell_strays() {
    for_each_child_here([this](pid_t pid) {
      const auto told_end = told_.begin() + told_count_;
      if (pid == program_ || ::getpgid(pid) == ::getpid() || std::find(told_.begin(), told_end, pid) != told_end)
        return;
      if (told_end == told_.end()) return;  // it is killed with the others
      told_[told_count_++] = pid;
      ::kill(pid, SIGTERM);
      ::kill(pid, SIGCONT);
    });
  }

  void reap() {
    int status = 0;
    pid_t pid = 0;
    while ((pid = ::waitpid(-1, &status, WNOHANG)) > 0) {
      if (pid != program_) continue;
      program_ = 0;
      say(plan_, {.kind = KeeperMessage::kExited, .value = status, .in_exec = 0});
    }
  }

  static bool has_children_in_group() {
    siginfo_t info{};
    return ::waitid(P_PGID, static_cast<id_t>(::getpid()), &info, WEXITED | WNOHANG | WNOWAIT) == 0;
  }

  // KILL to what is left, by its number and in rounds, as the orphans of those that were killed come next.
  void kill_children() {
    const std::int64_t until = now_ms() + kRoundsMs;
    while (has_children_here() && now_ms() < until) {
      for_each_child_here([](pid_t pid) { ::kill(pid, SIGKILL); });
      pollfd death{signals_, POLLIN, 0};
      signalfd_siginfo info{};
      if (::poll(&death, 1, kRoundMs) > 0 && ::read(signals_, &info, sizeof info) < 0) continue;
      int status = 0;
      for (pid_t pid = 0; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
        if (pid == program_) program_ = 0;
      }
    }
  }

  // What does not die of that, because it forks faster or there is no /proc, is killed with the group, from outside of
  // it. Where there is no outside (the worker has died), this process goes with it.
  [[noreturn]] void leave() {
    const bool is_left = is_anything_left();
    if (program_ != 0) ::kill(program_, SIGKILL);
    if (is_left) kill_children();
    if (::setpgid(0, outside_) != 0) ::kill(0, SIGKILL);
    ::kill(-::getpid(), SIGKILL);
    int status = 0;
    while (::waitpid(-::getpid(), &status, 0) > 0 || errno == EINTR) continue;
    if (program_ != 0) {
      while (::waitpid(program_, &status, 0) < 0 && errno == EINTR) continue;
    }
    ::_exit(is_left ? kKeeperKilled : kKeeperDone);
  }

  const Plan& plan_;
  pid_t program_;  // 0 once it is reaped
  const int signals_;
  const pid_t outside_;  // a group
  bool ending_ = false;
  bool is_orphan_ = false;  // the worker is gone
  std::int64_t kill_at_ = 0;
  std::array<pid_t, 64> told_{};  // strays that have got TERM
  std::size_t told_count_ = 0;
};

}  // namespace

void keep(const Plan& plan) {
  const pid_t outside = ::getpgrp();
  ::setpgid(0, 0);
  // What the program leaves behind becomes this process's child.
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  sigset_t deaths;
  sigemptyset(&deaths);
  sigaddset(&deaths, SIGCHLD);
  struct sigaction action {};
  action.sa_handler = SIG_DFL;
  ::sigaction(SIGCHLD, &action, nullptr);  // ignored, it would neither be told nor leave a status
  const int signals = ::signalfd(-1, &deaths, SFD_CLOEXEC | SFD_NONBLOCK);
  if (signals < 0) give_up(plan, errno, false);

  const pid_t keeper = ::getpid();
  const pid_t program = ::fork();
  if (program < 0) give_up(plan, errno, false);
  if (program == 0) become_program(plan, keeper);
  close_all_but(std::array{plan.control, signals, plan.input});
  Keeper(plan, program, signals, outside).run();
}

}  // namespace cgi
