// One server a file, and one a pid file, whatever a killed one has left behind.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "harness/processes.h"
#include "harness/scgi_request.h"
#include "harness/serve.h"
#include "harness/server.h"

namespace harness {
namespace {

namespace fs = std::filesystem;

App hello() {
  return {.name = "hello", .plugin = plugin_file("hello"), .listen = {"unix:hello.sock"}};
}

// Another `forklift serve` of the same file.
Serve::Options another(const Server& server) {
  return {.file = server.config_file(), .output = server.folder() / "another"};
}

TEST(PidFile, HoldsTheMastersPidWhileItRuns) {
  Server server({hello()}, "pid_file: pid\n");
  write_file(server.folder() / "pid", "12345\n");
  server.start();
  const std::string path = server.folder() / "pid";
  EXPECT_EQ(read_file(path), fmt::format("{}\n", server.pid()));
  EXPECT_EQ(server.stop(), ExitStatus::exited(0));
  EXPECT_FALSE(fs::exists(path));
}

TEST(PidFile, OfAnotherServerIsRefused) {
  const TempDir folder;
  const std::string more = fmt::format("pid_file: {}\n", folder / "pid");
  Server first({hello()}, more);
  Server second({hello()}, more);
  first.start();
  second.expect_error(
      fmt::format("could not start: pid_file: another server (pid {}) holds {}", first.pid(), folder / "pid"));
  second.launch();
  EXPECT_EQ(second.wait(), ExitStatus::exited(1));
  EXPECT_EQ(read_file(folder / "pid"), fmt::format("{}\n", first.pid()));
  EXPECT_TRUE(fetch(first.listener("hello"), ScgiRequest::get("/")).complete(200));
}

TEST(Instance, ASecondOneOfTheSameFileIsRefused) {
  Server server({hello()}, "pid_file: pid\n");
  server.start();
  Serve second(another(server));
  second.expect_error(fmt::format("could not start: another server (pid {}) is running from this file", server.pid()));
  EXPECT_EQ(second.child().wait(kPatience), ExitStatus::exited(1));
  EXPECT_TRUE(fetch(server.listener("hello"), ScgiRequest::get("/")).complete(200));
}

TEST(Instance, WhatAKilledOneLeftBehindIsNoObstacle) {
  Server server({hello()}, "pid_file: pid\n");
  server.start();
  server.skip_rest("it is killed");
  const auto workers = children_of(server.pid());
  server.signal(SIGKILL);
  EXPECT_EQ(server.wait(), ExitStatus::killed(SIGKILL));
  for (const Process& worker : workers) EXPECT_TRUE(wait_until_gone(worker.pid));
  for (const char* left : {"pid", "run/lock", "hello.sock"}) EXPECT_TRUE(fs::exists(server.folder() / left)) << left;

  Serve next(another(server));
  EXPECT_TRUE(next.ready()) << next.output();
  EXPECT_EQ(read_file(server.folder() / "pid"), fmt::format("{}\n", next.child().pid()));
  EXPECT_TRUE(fetch(server.listener("hello"), ScgiRequest::get("/")).complete(200));
  EXPECT_TRUE(next.child().signal(SIGTERM));
  EXPECT_EQ(next.child().wait(seconds(20)), ExitStatus::exited(0));
  for (const char* left : {"pid", "run/lock", "hello.sock"}) EXPECT_FALSE(fs::exists(server.folder() / left)) << left;
}

}  // namespace
}  // namespace harness
