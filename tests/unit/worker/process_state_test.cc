#include "worker/process_state.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/time.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <string>

#include "../base/forked.h"

namespace forklift::worker {
namespace {

bool is_blocked(int signal) {
  sigset_t mask;
  ::sigprocmask(SIG_BLOCK, nullptr, &mask);
  return sigismember(&mask, signal) == 1;
}

bool timer_runs() {
  itimerval timer{};
  ::getitimer(ITIMER_REAL, &timer);
  return timer.it_value.tv_sec != 0 || timer.it_value.tv_usec != 0;
}

void start_timer() {
  const itimerval hour{.it_interval = {}, .it_value = {.tv_sec = 3600, .tv_usec = 0}};
  ::setitimer(ITIMER_REAL, &hour, nullptr);
}

void block(int signal) {
  sigset_t mask;
  sigemptyset(&mask);
  sigaddset(&mask, signal);
  ::sigprocmask(SIG_BLOCK, &mask, nullptr);
}

std::string show() {
  const mode_t mask = ::umask(0);
  ::umask(mask);
  return fmt::format("{} {:03o} USR1 {} USR2 {} timer {}", std::filesystem::current_path().string(), mask,
                     is_blocked(SIGUSR1), is_blocked(SIGUSR2), timer_runs());
}

TEST(ProcessState, is_after_a_request_what_it_was_before) {
  const Forked child = in_child([]() -> std::string {
    const itimerval off{};
    ::setitimer(ITIMER_REAL, &off, nullptr);  // in_child()'s alarm; the test's own time limit remains
    std::filesystem::current_path("/usr");
    ::umask(0027);
    block(SIGUSR1);
    const auto state = ProcessState::take();
    if (!state) return state.error().message();
    const std::string before = show();

    std::filesystem::current_path("/tmp");
    ::umask(0);
    block(SIGUSR2);
    start_timer();
    const std::string changed = show();
    const auto restored = state->restore();
    return before + "; " + changed + "; " + (restored ? show() : restored.error().message());
  });
  EXPECT_EQ(child.said,
            "/usr 027 USR1 true USR2 false timer false; /tmp 000 USR1 true USR2 true timer true; "
            "/usr 027 USR1 true USR2 false timer false");
}

TEST(ProcessState, a_timer_that_create_has_armed_goes_on) {
  const Forked child = in_child([]() -> std::string {
    start_timer();
    const auto state = ProcessState::take();
    if (!state || !state->restore()) return "failed";
    return timer_runs() ? "runs" : "stopped";
  });
  EXPECT_EQ(child.said, "runs");
}

bool is_pending(int signal) {
  sigset_t pending;
  sigpending(&pending);
  return sigismember(&pending, signal) == 1;
}

TEST(ProcessState, an_alarm_that_was_blocked_does_not_end_the_worker) {
  const Forked child = in_child([]() -> std::string {
    const itimerval off{}, often{.it_interval = {0, 1000}, .it_value = {0, 1000}};
    ::setitimer(ITIMER_REAL, &off, nullptr);
    const auto state = ProcessState::take();
    block(SIGALRM);
    ::setitimer(ITIMER_REAL, &often, nullptr);
    while (!is_pending(SIGALRM)) continue;
    if (!state || !state->restore()) return "failed";
    return is_blocked(SIGALRM) || is_pending(SIGALRM) ? "blocked still" : "lives";
  });
  EXPECT_EQ(child.said, "lives");
}

TEST(ProcessState, an_alarm_that_create_has_blocked_is_its_own_matter) {
  const Forked child = in_child([]() -> std::string {
    const itimerval off{};
    ::setitimer(ITIMER_REAL, &off, nullptr);
    block(SIGALRM);
    const auto state = ProcessState::take();
    ::raise(SIGALRM);
    if (!state || !state->restore()) return "failed";
    return is_blocked(SIGALRM) && is_pending(SIGALRM) ? "pending still" : "gone";
  });
  EXPECT_EQ(child.said, "pending still");
}

TEST(ProcessState, a_working_folder_that_was_removed_is_one_still) {
  std::string folder = testing::TempDir() + "forklift-XXXXXX";
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  const Forked child = in_child([&]() -> std::string {
    std::filesystem::current_path(folder);
    const auto state = ProcessState::take();
    std::filesystem::remove(folder);
    std::filesystem::current_path("/");
    return state && state->restore() ? "restored" : "failed";
  });
  EXPECT_EQ(child.said, "restored");
}

TEST(ProcessState, a_plugin_that_closes_what_is_not_its_own_is_found_out) {
  const Forked child = in_child([]() -> std::string {
    const UniqueFd before(::open("/dev/null", O_RDONLY));
    const auto state = ProcessState::take();
    if (!state) return state.error().message();
    ::close(before.get() + 1);
    const auto restored = state->restore();
    return restored ? "restored" : restored.error().message();
  });
  EXPECT_EQ(child.said, "fchdir to the working folder: Bad file descriptor");
}

}  // namespace
}  // namespace forklift::worker
