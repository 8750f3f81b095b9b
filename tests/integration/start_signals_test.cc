// A signal comes during the start: signals are blocked from the first line of main, and handled when there is
// somebody to handle them. One that comes before that line ends a program that has not done anything yet.
#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <system_error>
#include <thread>

#include "base/unique_fd.h"
#include "harness/scgi_request.h"
#include "harness/server.h"

namespace harness {
namespace {

constexpr int kTimes = 50;  // of each signal
constexpr int kSoon = 10;   // of them at the least while the server starts

// Tells whether a file has been read, without touching it.
class Reading {
 public:
  explicit Reading(const std::string& path) : fd_(inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {
    if (inotify_add_watch(fd_.get(), path.c_str(), IN_ACCESS) < 0) {
      throw std::system_error(errno, std::generic_category(), path);
    }
  }

  bool has_begun() {
    char events[4096];
    has_begun_ |= read(fd_.get(), events, sizeof events) > 0;
    return has_begun_;
  }

 private:
  UniqueFd fd_;
  bool has_begun_ = false;
};

// A server whose start takes a while: its file is long.
class SignalDuringTheStart : public testing::TestWithParam<int> {
 protected:
  static Server hello() {
    std::string settings = "settings:\n";
    for (int i = 0; i < 2000; ++i) settings += fmt::format("  setting-{}: value {}\n", i, i);
    return Server({App{
        .name = "hello", .plugin = plugin_file("hello"), .listen = {"unix:hello.sock"}, .more = std::move(settings)}});
  }

  // Signals a server: every second one that reads its file since some milliseconds, the others so long after their
  // launch. Signals are blocked before a file is read, so none of the first kind may be killed.
  void launch_and_signal(Server& server, int i) {
    server.write_config();
    Reading file(server.config_file());
    server.launch();
    if (i % 2 == 0) {
      EXPECT_TRUE(eventually([&] { return file.has_begun(); }, seconds(20), milliseconds(1)));
      std::this_thread::sleep_for(milliseconds(i / 10));
    } else {
      std::this_thread::sleep_for(milliseconds(i));
    }
    was_in_main_ = file.has_begun();
    const bool is_ready = was_ready(server);
    server.signal(GetParam());
    soon_ += was_in_main_ && !is_ready;
  }

  bool came_before_main(Server& server) const {
    return !was_in_main_ && server.wait(milliseconds(0)) == ExitStatus::killed(GetParam()) && server.log().empty();
  }

  static bool was_ready(const Server& server) { return server.log().find(" READY: ") != std::string::npos; }

  bool was_in_main_ = false;
  int soon_ = 0;  // signals that came between the first line of main and READY
};

std::string signal_name(const testing::TestParamInfo<int>& test) {
  return sigabbrev_np(test.param);
}

class EarlyStop : public SignalDuringTheStart {};

INSTANTIATE_TEST_SUITE_P(By, EarlyStop, testing::Values(SIGTERM, SIGQUIT, SIGINT), signal_name);

TEST_P(EarlyStop, IsACleanStop) {
  for (int i = 0; i < kTimes && !HasFailure(); ++i) {
    Server server = hello();
    server.skip_rest("it is stopped while it starts");
    launch_and_signal(server, i);
    const ExitStatus status = server.wait(seconds(20));
    EXPECT_TRUE(status == ExitStatus::exited(0) || came_before_main(server)) << i << ": " << status;
  }
  EXPECT_TRUE(HasFailure() || soon_ >= kSoon) << soon_;
}

class EarlySignal : public SignalDuringTheStart {};

INSTANTIATE_TEST_SUITE_P(By, EarlySignal, testing::Values(SIGHUP, SIGUSR1, SIGUSR2), signal_name);

TEST_P(EarlySignal, KeepsNoServerFromStarting) {
  for (int i = 0; i < kTimes && !HasFailure(); ++i) {
    Server server = hello();
    launch_and_signal(server, i);
    const auto has_ended = [&] { return server.wait(milliseconds(0)).kind != ExitStatus::Kind::kStillRunning; };
    ASSERT_TRUE(eventually([&] { return was_ready(server) || has_ended(); }, seconds(20))) << i;
    if (came_before_main(server)) continue;
    ASSERT_TRUE(was_ready(server)) << i;
    if (GetParam() == SIGHUP) {
      EXPECT_TRUE(eventually([&] { return server.reloads().size() == 1; })) << i << ": nobody else brings its turn";
    } else {
      EXPECT_TRUE(server.wait_for_log(GetParam() == SIGUSR1 ? "signal 10 (USR1): logs opened again"
                                                            : " warning signal USR2: replacing the binary is not "
                                                              "supported yet; nothing has changed"))
          << i;
    }
    const Endpoint endpoint = Endpoint::parse("unix:" + (server.folder() / "hello.sock"));
    EXPECT_TRUE(fetch(endpoint, ScgiRequest::get("/")).complete(200)) << i;
    server.remember_rest();
    EXPECT_EQ(server.stop(), ExitStatus::exited(0)) << i;
  }
  EXPECT_TRUE(HasFailure() || soon_ >= kSoon) << soon_;
}

}  // namespace
}  // namespace harness
