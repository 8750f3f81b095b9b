// Tools that look at a live worker see the plugin by name and line, although its file is a memfd: as
// plugin-api/README.md says how. Debugger.* takes ptrace(2), Profiler.* perf_event_open(2); tests/run says where they
// are not to be had.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "harness/child.h"
#include "harness/command.h"
#include "harness/connection.h"
#include "harness/scgi_request.h"
#include "harness/server.h"

namespace harness {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;

const std::string kPlugin = ABI_DIR "/toolchains/works_hard.so";

// A worker with a request, which it works on until the client has gone.
class LiveWorker : public testing::Test {
 protected:
  LiveWorker()
      : server_({{.name = "hard",
                  .plugin = kPlugin,
                  .listen = {"unix:hard.sock"},
                  .more = "workers: {min: 1, max: 1}\ntimeouts: {request: 0}\n"}}) {
    server_.start();
  }

  void ask(const std::string& uri) {
    client_.emplace(Connection::to(server_.listener("hard")));
    ASSERT_TRUE(client_->send(ScgiRequest::get(uri).bytes()));
    ASSERT_TRUE(eventually([&] {
      worker_ = 0;
      const auto apps = status_of(server_)->getArray("apps");
      const auto workers = apps.isNull() || apps->size() == 0 ? apps : apps->getObject(0)->getArray("workers");
      if (workers.isNull() || workers->size() != 1) return false;
      worker_ = workers->getObject(0)->getValue<int>("pid");
      return workers->getObject(0)->getValue<std::string>("state") == "BUSY";
    }));
  }

  // What a tool says, which has to end well.
  std::string run(const std::vector<std::string>& words) {
    const std::string output = folder_ / fmt::format("output-{}", ++runs_);
    Child child;
    child.start({.command = words, .environment = {"HOME=" + folder_.path(), "DEBUGINFOD_URLS="}, .output = output});
    EXPECT_EQ(child.wait(seconds(250)), ExitStatus::exited(0)) << read_file(output);
    return read_file(output);
  }

  TempDir folder_;
  Server server_;
  std::optional<Connection> client_;
  int worker_ = 0;
  int runs_ = 0;
};

class Debugger : public LiveWorker {};
class Profiler : public LiveWorker {};

TEST_F(Debugger, ShowsNamesAndLinesOfThePlugin) {
  ask("/wait");
  const std::string process = std::to_string(worker_);
  EXPECT_TRUE(eventually(
      [&] {
        const std::string frames = run({GDB_BINARY, "-nx", "-batch", "-p", process, "-ex", "bt"});
        return testing::Value(frames, ContainsRegex("in wait_for_the_client .*works_hard\\.c:[0-9]+\n")) &&
               testing::Value(frames, ContainsRegex("in produce .*works_hard\\.c:[0-9]+\n"));
      },
      seconds(30)));
}

// gdb knows no file for the memory in question: it is told the plugin's, and where it was.
TEST_F(Debugger, ShowsThemInACoreFileToo) {
  ask("/wait");
  const std::string core = folder_ / "core";
  run({GDB_BINARY, "-nx", "-batch", "-p", std::to_string(worker_), "-ex", "generate-core-file " + core});
  std::istringstream mappings(run({GDB_BINARY, "-nx", "-batch", "-ex", "info proc mappings", server_binary(), core}));
  std::string address;
  for (std::string line; address.empty() && std::getline(mappings, line);) {
    if (line.ends_with("/memfd:forklift:hard.1 (deleted)") && line.find("0x") != line.npos) {
      std::istringstream(line) >> address;
    }
  }
  ASSERT_THAT(address, testing::StartsWith("0x")) << mappings.str();
  const std::string frames =
      run({GDB_BINARY, "-nx", "-batch", "-ex", fmt::format("add-symbol-file {} -o {}", kPlugin, address), "-ex", "bt",
           server_binary(), core});
  EXPECT_THAT(frames, ContainsRegex("in produce .*works_hard\\.c:[0-9]+\n"));
}

TEST_F(Profiler, ShowsNamesAndLinesOfThePlugin) {
  ask("/compute");
  const std::string recorded = folder_ / "perf.data";
  const std::string named = folder_ / "named.data";
  run({PERF_BINARY, "buildid-cache", "--add", kPlugin});
  run({PERF_BINARY, "record", "-o", recorded, "-p", std::to_string(worker_), "--", "sleep", "1"});
  std::string build_id = run({PERF_BINARY, "buildid-list", "-i", kPlugin});
  build_id.erase(build_id.find_last_not_of('\n') + 1);
  run({PERF_BINARY, "inject", "-b", "--known-build-ids", build_id + " /memfd:forklift:hard.1 (deleted)", "-i", recorded,
       "-o", named});
  EXPECT_THAT(run({PERF_BINARY, "report", "-i", named, "--stdio", "--sort", "symbol"}), HasSubstr("walk_collatz"));
  EXPECT_THAT(run({PERF_BINARY, "report", "-i", named, "--stdio", "--sort", "srcline"}), HasSubstr("works_hard.c:"));
}

}  // namespace
}  // namespace harness
