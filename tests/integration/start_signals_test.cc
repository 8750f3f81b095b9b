// A signal comes during the start: signals are blocked from the first line of main, and handled when there is
// somebody to handle them. One that comes before that line ends a program that has not done anything yet.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <csignal>
#include <cstring>
#include <thread>

#include "harness/scgi_request.h"
#include "harness/server.h"

namespace harness {
namespace {

constexpr int kTimes = 50;  // of each signal

class SignalDuringTheStart : public testing::TestWithParam<int> {
 protected:
  static Server hello() {
    return Server({App{.name = "hello", .plugin = plugin_file("hello"), .listen = {"unix:hello.sock"}}});
  }

  // Signals a server that was started `i` milliseconds ago.
  static void launch_and_signal(Server& server, int i) {
    server.launch();
    std::this_thread::sleep_for(milliseconds(i));
    server.signal(GetParam());
  }

  static bool came_before_main(Server& server) {
    return server.wait(milliseconds(0)) == ExitStatus::killed(GetParam()) && server.log().empty();
  }
};

std::string signal_name(const testing::TestParamInfo<int>& test) {
  return sigabbrev_np(test.param);
}

class EarlyStop : public SignalDuringTheStart {};

INSTANTIATE_TEST_SUITE_P(By, EarlyStop, testing::Values(SIGTERM, SIGQUIT, SIGINT), signal_name);

TEST_P(EarlyStop, IsACleanStop) {
  for (int i = 0; i < kTimes && !HasFailure(); ++i) {
    Server server = hello();
    launch_and_signal(server, i);
    const ExitStatus status = server.wait(seconds(20));
    EXPECT_TRUE(status == ExitStatus::exited(0) || came_before_main(server)) << i << ": " << status;
  }
}

class EarlySignal : public SignalDuringTheStart {};

INSTANTIATE_TEST_SUITE_P(By, EarlySignal, testing::Values(SIGHUP, SIGUSR1, SIGUSR2), signal_name);

TEST_P(EarlySignal, KeepsNoServerFromStarting) {
  for (int i = 0; i < kTimes && !HasFailure(); ++i) {
    Server server = hello();
    launch_and_signal(server, i);
    const auto is_ready = [&] { return server.log().find(" READY: ") != std::string::npos; };
    const auto has_ended = [&] { return server.wait(milliseconds(0)).kind != ExitStatus::Kind::kStillRunning; };
    ASSERT_TRUE(eventually([&] { return is_ready() || has_ended(); }, seconds(20))) << i;
    if (came_before_main(server)) continue;
    ASSERT_TRUE(is_ready()) << i;
    if (GetParam() == SIGHUP) {
      EXPECT_TRUE(eventually([&] { return server.reloads().size() == 1; })) << i << ": nobody else brings its turn";
    }
    const Endpoint endpoint = Endpoint::parse("unix:" + (server.folder() / "hello.sock"));
    EXPECT_TRUE(fetch(endpoint, ScgiRequest::get("/")).complete(200)) << i;
    EXPECT_EQ(server.stop(), ExitStatus::exited(0)) << i;
  }
}

}  // namespace
}  // namespace harness
