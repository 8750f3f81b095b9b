#include "base/signals.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "forked.h"

namespace forklift {
namespace {

std::string sorted_names(std::vector<int> signals) {
  std::sort(signals.begin(), signals.end());
  std::string names;
  for (const int signal : signals) names += std::string(sigabbrev_np(signal)) + " ";
  return names;
}

TEST(Signals, one_that_comes_before_there_is_anybody_to_take_it_waits) {
  const Forked child = in_child([]() -> std::string {
    block_signals();
    for (const int signal : {SIGHUP, SIGTERM, SIGQUIT, SIGINT, SIGUSR1, SIGUSR2, SIGCHLD}) ::raise(signal);
    auto events = SignalEvents::create();
    if (!events) return events.error().message();
    const std::string first = sorted_names(events->take());
    return first + "| " + sorted_names(events->take());
  });
  EXPECT_EQ(child.said, "HUP INT QUIT USR1 USR2 TERM CHLD | ");
}

TEST(Signals, many_of_the_same_kind_are_taken_once) {
  const Forked child = in_child([]() -> std::string {
    block_signals();
    auto events = SignalEvents::create();
    for (int i = 0; i < 1000; ++i) ::raise(SIGHUP);
    return sorted_names(events->take());
  });
  EXPECT_EQ(child.said, "HUP ");
}

TEST(Signals, a_reader_that_is_gone_is_an_error_of_write_and_no_death) {
  const Forked child = in_child([]() -> std::string {
    block_signals();
    int ends[2];
    if (::pipe(ends) != 0) return "pipe";
    ::close(ends[0]);
    return ::write(ends[1], "x", 1) < 0 && errno == EPIPE ? "EPIPE" : "written";
  });
  EXPECT_EQ(child.said, "EPIPE");
}

TEST(Signals, children_can_be_reaped_although_the_parent_ignored_sigchld) {
  const Forked child = in_child([]() -> std::string {
    ::signal(SIGCHLD, SIG_IGN);
    block_signals();
    const pid_t pid = ::fork();
    if (pid == 0) ::_exit(7);
    int status = 0;
    return ::waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 7 ? "reaped" : "gone";
  });
  EXPECT_EQ(child.said, "reaped");
}

TEST(Signals, a_worker_gets_default_actions_and_an_empty_mask_but_no_write_kills_it) {
  const Forked child = in_child([]() -> std::string {
    ::signal(SIGINT, SIG_IGN);
    block_signals();
    for (const int signal : {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL}) ::signal(signal, SIG_DFL);  // a sanitizer's
    restore_signals();
    std::string wrong;
    sigset_t mask;
    ::sigprocmask(SIG_BLOCK, nullptr, &mask);
    for (int signal = 1; signal < NSIG; ++signal) {
      if (sigismember(&mask, signal) == 1) wrong += "blocked " + std::to_string(signal) + " ";
      struct sigaction action {};
      if (::sigaction(signal, nullptr, &action) != 0) continue;
      const bool is_ignored = signal == SIGPIPE || signal == SIGXFSZ;
      if (action.sa_handler != (is_ignored ? SIG_IGN : SIG_DFL)) wrong += "action of " + std::to_string(signal) + " ";
    }
    return wrong;
  });
  EXPECT_EQ(child.said, "");
}

TEST(Signals, for_the_master_do_nothing_in_a_worker_and_are_what_they_were_in_what_it_executes) {
  const Forked child = in_child([]() -> std::string {
    block_signals();
    restore_signals();
    survive_signals_of_master();
    for (const int signal : {SIGHUP, SIGUSR1, SIGUSR2}) ::raise(signal);
    return ::system("kill -USR1 $$") == SIGUSR1 ? "alive" : "the child, too";
  });
  EXPECT_EQ(child.said, "alive");
}

// libasan installs one for SIGSEGV, gperftools for SIGPROF, before main().
TEST(Signals, handlers_of_preloaded_libraries_stay) {
  const Forked child = in_child([]() -> std::string {
    static volatile sig_atomic_t caught = 0;
    for (const int signal : {SIGPROF, SIGUSR1}) ::signal(signal, [](int number) { caught = caught + number; });
    block_signals();
    restore_signals();
    ::raise(SIGPROF);
    ::raise(SIGUSR1);
    return std::to_string(caught - SIGPROF - SIGUSR1);
  });
  EXPECT_EQ(child.said, "0");
}

}  // namespace
}  // namespace forklift
