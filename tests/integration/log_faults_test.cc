// The log cannot be written. Requests are answered all the same, and once it can be written again, it says how much it
// has lost.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>

#include "harness/faults.h"
#include "harness/scgi_request.h"
#include "harness/serve.h"
#include "harness/server.h"

namespace harness {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class LogFaults : public testing::TestWithParam<int> {};

INSTANTIATE_TEST_SUITE_P(By, LogFaults, testing::Values(ENOSPC, EIO, EDQUOT, EAGAIN),
                         [](const auto& test) { return std::string(strerrorname_np(test.param)); });

TEST_P(LogFaults, CostTheirLinesAndNothingElse) {
  Server server({App{.name = "hello", .plugin = plugin_file("hello")}});
  Faults faults(server);
  server.start();
  const ScgiRequest refused = ScgiRequest::get("/").set("SCGI", "2");
  const auto ask = [&](const ScgiRequest& request) { return fetch(server.listener("hello"), request).status; };
  faults.fail(SHIM_WRITE, GetParam(), {.places = SHIM_MASTER});
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(ask(refused), 400);
    EXPECT_EQ(ask(ScgiRequest::get("/")), 200);
  }
  EXPECT_THAT(server.log(), testing::Not(HasSubstr("refused with 400")));
  faults.clear();
  EXPECT_EQ(ask(refused), 400);
  EXPECT_TRUE(server.wait_for_log("refused with 400"));
  EXPECT_THAT(server.log(), HasSubstr("3 log lines were dropped because the log could not be written"));
}

TEST(LogReopening, ThatHasFailedIsNotToldAsDone) {
  Server server({App{.name = "hello", .plugin = plugin_file("hello"), .more = "access_log: {file: access.log}\n"}});
  server.expect_error("access log stays with the file that it has: *access.log*");
  server.start();
  const std::string file = server.folder() / "access.log";
  fs::remove(file);
  fs::create_directory(file);
  server.signal(SIGUSR1);
  EXPECT_TRUE(server.wait_for_log("access log stays with the file that it has"));
  EXPECT_EQ(fetch(server.listener("hello"), ScgiRequest::get("/")).status, 200);  // the signal is done with
  EXPECT_THAT(server.log(), testing::Not(HasSubstr("logs opened again")));
  fs::remove(file);
  server.signal(SIGUSR1);
  EXPECT_TRUE(server.wait_for_log("signal 10 (USR1): logs opened again"));
}

TEST(LogLimit, ALogThatMayNotGrowCostsItsLinesAndNothingElse) {
  Server server({App{.name = "hello", .plugin = plugin_file("hello")}});
  server.start();
  rlimit before{};
  ASSERT_EQ(prlimit(server.pid(), RLIMIT_FSIZE, nullptr, &before), 0);
  const rlimit one_byte{.rlim_cur = 1, .rlim_max = before.rlim_max};
  ASSERT_EQ(prlimit(server.pid(), RLIMIT_FSIZE, &one_byte, nullptr), 0);
  const ScgiRequest refused = ScgiRequest::get("/").set("SCGI", "2");
  EXPECT_EQ(fetch(server.listener("hello"), refused).status, 400);
  EXPECT_EQ(fetch(server.listener("hello"), ScgiRequest::get("/")).status, 200);
  ASSERT_EQ(prlimit(server.pid(), RLIMIT_FSIZE, &before, nullptr), 0);
  EXPECT_EQ(fetch(server.listener("hello"), refused).status, 400);
  EXPECT_TRUE(server.wait_for_log("log lines were dropped because the log could not be written"));
}

// The log is a pipe. Its reader sleeps until the pipe is full and a good deal longer, wakes, dies, and another comes.
TEST(LogPipe, WhoseReaderSleepsOrDiesCostsNoAnswer) {
  Server files({App{.name = "hello", .plugin = plugin_file("hello"), .listen = {"unix:hello.sock"}}});
  files.write_config();
  const std::string fifo = files.folder() / "fifo";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  const auto open_reader = [&] { return UniqueFd(open(fifo.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)); };
  UniqueFd reader = open_reader();
  Serve serve({.file = files.config_file(), .output = fifo});
  const Endpoint endpoint = Endpoint::parse("unix:" + (files.folder() / "hello.sock"));
  ASSERT_TRUE(eventually([&] { return static_cast<bool>(connect_to(endpoint)); }));
  const auto ask_wrongly = [&](int times) {
    for (int i = 0; i < times; ++i) {
      ASSERT_EQ(fetch(endpoint, ScgiRequest::get("/").set("SCGI", "2")).status, 400) << i;
    }
  };
  std::string seen;
  const auto sees = [&](std::string_view text) {
    char buffer[8192];
    for (ssize_t n = 0; (n = read(reader.get(), buffer, sizeof buffer)) > 0;)
      seen.append(buffer, static_cast<size_t>(n));
    return seen.find(text) != seen.npos;
  };

  // Of lines with more than a hundred bytes, 64 KiB hold fewer than 700.
  ask_wrongly(2000);
  EXPECT_TRUE(sees(" READY: "));
  ask_wrongly(1);
  EXPECT_TRUE(eventually([&] { return sees("log lines were dropped because the log could not be written"); }));
  reader.reset();
  ask_wrongly(100);
  reader = open_reader();
  seen.clear();
  ask_wrongly(1);
  EXPECT_TRUE(eventually([&] { return sees("log lines were dropped because the log could not be written"); }));
  EXPECT_TRUE(serve.child().signal(SIGTERM));
  EXPECT_EQ(serve.child().wait(seconds(20)), ExitStatus::exited(0));
  EXPECT_TRUE(sees("stopped"));
}

}  // namespace
}  // namespace harness
