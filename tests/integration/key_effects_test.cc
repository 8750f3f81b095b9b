// What keys do that no other scenario is about.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <vector>

#include "harness/freeze.h"
#include "harness/processes.h"
#include "harness/scgi_request.h"
#include "harness/server.h"

namespace harness {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;

App hello_app(std::string more = {}) {
  return {.name = "app", .plugin = plugin_file("hello"), .more = std::move(more)};
}

// A limit as the YAML says it, and as proc(5) shows it in /proc/PID/limits.
struct Limit {
  const char* yaml;
  const char* shown;
};

// All of them below what an ordinary user may have.
constexpr Limit kLimits[] = {
    {"core: 0", "Max core file size +0 +0 +bytes *"},
    {"nofile: 200", "Max open files +200 +200 +files *"},
    {"as: 2G", "Max address space +2147483648 +2147483648 +bytes *"},
    {"nproc: 3000", "Max processes +3000 +3000 +processes *"},
    {"fsize: 512M", "Max file size +536870912 +536870912 +bytes *"},
    {"cpu: 1000", "Max cpu time +1000 +1000 +seconds *"},
    {"data: 1G", "Max data size +1073741824 +1073741824 +bytes *"},
    {"stack: 4M", "Max stack size +4194304 +4194304 +bytes *"},
    {"memlock: 32K", "Max locked memory +32768 +32768 +bytes *"},
    {"msgqueue: 8K", "Max msgqueue size +8192 +8192 +bytes *"},
    {"nice: 0", "Max nice priority +0 +0 *"},
    {"rtprio: 0", "Max realtime priority +0 +0 *"},
    {"rttime: 500000", "Max realtime timeout +500000 +500000 +us *"},
    {"sigpending: 100", "Max pending signals +100 +100 +signals *"},
};

// The sanitizers' shadow memory takes more than any limit on it.
bool can_have(const Limit& limit) {
  const std::string_view yaml = limit.yaml;
  return !is_sanitized() || (!yaml.starts_with("as:") && !yaml.starts_with("data:"));
}

TEST(Rlimits, AreTheWorkersAndNotTheMasters) {
  std::string rlimits;
  for (const Limit& limit : kLimits) {
    if (can_have(limit)) rlimits += fmt::format("{}{}", rlimits.empty() ? "" : ", ", limit.yaml);
  }
  Server server({hello_app(fmt::format("rlimits: {{{}}}\n", rlimits))});
  server.start();
  const auto workers = children_of(server.pid());
  ASSERT_EQ(workers.size(), 1U);
  const std::string of_worker = "\n" + read_file(fmt::format("/proc/{}/limits", workers[0].pid));
  const std::string of_master = read_file(fmt::format("/proc/{}/limits", server.pid()));
  for (const Limit& limit : kLimits) {
    if (!can_have(limit)) continue;
    EXPECT_THAT(of_worker, testing::ContainsRegex(fmt::format("\n{}\n", limit.shown)));
  }
  EXPECT_NE(of_worker, "\n" + of_master);
  EXPECT_THAT(of_master, Not(testing::ContainsRegex("Max cpu time +1000 ")));
}

TEST(LogLevel, LeavesOutWhatIsBelowIt) {
  for (const auto& [level, has_debug, has_info] : {std::tuple("debug", true, true), {"info", false, true}}) {
    Server server({hello_app()}, fmt::format("log: {{level: {}}}\n", level));
    server.start();
    EXPECT_EQ(server.stop(), ExitStatus::exited(0));
    EXPECT_EQ(server.log().find(" debug ") != std::string::npos, has_debug) << level;
    EXPECT_EQ(server.log().find(" info ") != std::string::npos, has_info) << level;
  }
}

TEST(LogLevel, DebugHasALineForEachWorkerThatIsStarted) {
  App three = hello_app();
  three.more += "workers: {min: 3, max: 3}\n";
  Server server({three}, "log: {level: debug}\n");
  server.start();
  const auto workers = children_of(server.pid());
  EXPECT_EQ(workers.size(), 3U);
  for (const Process& worker : workers) {
    EXPECT_THAT(server.log(), HasSubstr(fmt::format(" worker {}: forked\n", worker.pid)));
  }
}

// READY is an info line, so that nothing but its answers shows that this one is there.
TEST(LogLevel, CanLeaveOutAllButWarnings) {
  App quiet = hello_app();
  quiet.listen = {"unix:app.sock"};
  Server server({quiet}, "log: {level: warning}\n");
  server.skip_rest("it says nothing when it is ready");
  server.launch();
  const Endpoint endpoint = Endpoint::parse("unix:" + (server.folder() / "app.sock"));
  ASSERT_TRUE(eventually([&] { return static_cast<bool>(connect_to(endpoint)); }));
  EXPECT_TRUE(fetch(endpoint, ScgiRequest::get("/")).complete(200));
  EXPECT_TRUE(fetch(endpoint, ScgiRequest::get("/").set("SCGI", "2")).complete(400));
  server.signal(15);
  EXPECT_EQ(server.wait(), ExitStatus::exited(0));
  EXPECT_THAT(server.log(), HasSubstr(" warning "));
  EXPECT_THAT(server.log(), Not(HasSubstr(" info ")));
}

TEST(LogFormat, CanBeJson) {
  Server server({hello_app()}, "log: {format: json}\n");
  server.skip_rest("its READY line is JSON, which the harness does not read");
  server.launch();
  EXPECT_TRUE(server.wait_for_log("READY: app "));
  server.signal(15);
  EXPECT_EQ(server.wait(), ExitStatus::exited(0));
  std::istringstream lines(server.log());
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    EXPECT_THAT(line, MatchesRegex(R"-(\{"time":"[^"]+Z","level":"info","message":".*"\})-"));
  }
  EXPECT_GE(count, 4);
}

TEST(LogFile, CanBeAFileThatIsRelativeToTheConfiguration) {
  Server server({hello_app()}, "log: {file: server.log}\n");
  server.skip_rest("what it says is in a file of its own");
  server.launch();
  const std::string file = server.folder() / "server.log";
  EXPECT_TRUE(eventually(
      [&] { return std::filesystem::exists(file) && read_file(file).find("READY: ") != std::string::npos; }));
  server.signal(15);
  EXPECT_EQ(server.wait(), ExitStatus::exited(0));
  EXPECT_THAT(read_file(file), HasSubstr("stopped"));
  EXPECT_EQ(server.log(), "");
}

// A Unix socket takes one connection more than its backlog says (listen(2) on Linux).
TEST(Backlog, IsWhatWaitsWhileTheMasterDoesNotAccept) {
  App full = hello_app();
  full.listen = {"{address: unix:app.sock, backlog: 3}"};
  Server server({full});
  server.start();
  const Freeze freeze(server);
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  server.listener("app").path.copy(to.sun_path, sizeof to.sun_path - 1);
  std::vector<UniqueFd> waiting;
  int error = 0;
  while (error == 0 && waiting.size() < 100) {
    waiting.emplace_back(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (connect(waiting.back().get(), reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) error = errno;
  }
  EXPECT_EQ(error, EAGAIN);
  EXPECT_EQ(waiting.size(), 5U) << "the last one was refused";
}

}  // namespace
}  // namespace harness
