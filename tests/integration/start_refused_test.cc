// What keeps a whole server from starting. It ends soon, with exit status 1 (2 for its configuration), says
// what is in the way, and leaves nothing behind. (What keeps one app from starting: start_failure_test.)
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>

#include "harness/faults.h"
#include "harness/processes.h"
#include "harness/scgi_request.h"
#include "harness/serve.h"
#include "harness/server.h"

namespace harness {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

App hello(std::vector<std::string> listen) {
  return {.name = "hello", .plugin = plugin_file("hello"), .listen = std::move(listen)};
}

void expect_refusal(Server& server, const std::string& reason) {
  server.expect_error("could not start: " + reason);
  server.launch();
  EXPECT_EQ(server.wait(), ExitStatus::exited(1));
}

class Taken : public testing::TestWithParam<const char*> {};

INSTANTIATE_TEST_SUITE_P(By, Taken, testing::Values("127.0.0.1:0", "unix:taken.sock"),
                         [](const auto& test) { return test.index == 0 ? "Tcp" : "Unix"; });

// With another address before it, which is not to be left behind.
TEST_P(Taken, AnAddressIsNamedAndItsServerNotHarmed) {
  Server first({hello({GetParam()})});
  first.start();
  const Endpoint& endpoint = first.listener("hello");
  Server second({hello({"unix:before.sock", endpoint.to_string()})});
  expect_refusal(
      second, fmt::format("app \"hello\": listen on {}: {}", endpoint.to_string(),
                          endpoint.is_unix() ? "another server is listening there" : "bind: Address already in use"));
  EXPECT_FALSE(fs::exists(second.folder() / "before.sock"));
  EXPECT_TRUE(fetch(endpoint, ScgiRequest::get("/")).complete(200));
}

TEST(Refused, IsAUnixSocketWhoseFolderIsMissing) {
  Server server({hello({"unix:none/app.sock"})});
  expect_refusal(server, "app \"hello\": listen on unix:*/none/app.sock: bind: there is no folder for it; make it, or write another path");
}

TEST(Refused, IsARuntimeDirThatCannotBeMade) {
  Server server({hello({"unix:hello.sock"})});
  write_file(server.folder() / "run", "a file");
  expect_refusal(server, "runtime_dir: */run is no folder");
  fs::remove(server.folder() / "run");
}

class UnwritableRuntimeDir : public testing::TestWithParam<int> {};

INSTANTIATE_TEST_SUITE_P(By, UnwritableRuntimeDir, testing::Values(EACCES, EROFS, ENOSPC, EDQUOT), error_name);

// The lock is the first file that is made there.
TEST_P(UnwritableRuntimeDir, IsNamed) {
  Server server({hello({"unix:hello.sock"})});
  Faults faults(server);
  faults.fail(SHIM_OPEN, GetParam(), {.places = SHIM_MASTER});
  expect_refusal(server, fmt::format("open */run/lock: {}", strerrordesc_np(GetParam())));
  EXPECT_FALSE(fs::exists(server.folder() / "run")) << "it was made for this";
}

// Root may write anywhere, unless it has given that up (capabilities(7)).
TEST(Refused, IsARuntimeDirThatMayNotBeWritten) {
  Server server({hello({"unix:hello.sock"})});
  if (is_root()) server.run_with({"/usr/bin/setpriv", "--bounding-set=-dac_override,-dac_read_search"});
  fs::create_directory(server.folder() / "run");
  fs::permissions(server.folder() / "run", fs::perms(0500));
  expect_refusal(server, "open */run/lock: Permission denied");
}

TEST(Refused, IsAPidFileThatIsASymbolicLink) {
  Server server({hello({"unix:hello.sock"})}, "pid_file: pid\n");
  write_file(server.folder() / "precious", "precious");
  fs::create_symlink(server.folder() / "precious", server.folder() / "pid");
  expect_refusal(server, "pid_file: */pid is a symbolic link; remove it");
  EXPECT_EQ(read_file(server.folder() / "precious"), "precious");
}

TEST(Refused, IsADiskWithoutRoomForTheLock) {
  Server server({hello({"unix:hello.sock"})});
  Faults faults(server);
  faults.fail(SHIM_PWRITE, ENOSPC, {.places = SHIM_MASTER});
  expect_refusal(server, "*/run/lock: write: No space left on device");
}

TEST(Refused, IsAConfigurationThatIsNone) {
  const TempDir folder;
  const std::string file = folder / "server.yaml";
  const std::pair<std::string, const char*> kBroken[] = {{"", "apps"},
                                                         {"apps:\n\t- name: x\n", ":2:"},
                                                         {"apps: [{name: x, colour: red}]\n", ":1:"},
                                                         {"apps: *none\n", ":1:7: "}};
  for (const auto& [text, reason] : kBroken) {
    write_file(file, text);
    Serve serve({.file = file, .output = folder / "log"});
    EXPECT_EQ(serve.child().wait(kPatience), ExitStatus::exited(2)) << text;
    EXPECT_THAT(serve.output(), HasSubstr(file));
    EXPECT_THAT(serve.output(), HasSubstr(reason)) << text;
    fs::remove(folder / "log");
  }
  Serve missing({.file = folder / "none.yaml", .output = folder / "log"});
  EXPECT_EQ(missing.child().wait(kPatience), ExitStatus::exited(2));
  EXPECT_THAT(missing.output(), HasSubstr("none.yaml"));
  EXPECT_THAT(missing.output(), HasSubstr("No such file or directory"));
}

// From too few for anything to enough for a request. In between it may come as far as READY and have none left for a
// connection. Below 6 it is the dynamic linker that gives up.
TEST(FewDescriptors, EndTheStartOrAreEnough) {
  int refused = 0, answered = 0;
  for (int limit = 6; limit < 40 && !testing::Test::HasFailure(); ++limit) {
    Server server({hello({"unix:hello.sock"})});
    server.write_config();
    Serve serve({.file = server.config_file(),
                 .output = server.folder() / "output",
                 .under = {"/bin/sh", "-c", fmt::format("ulimit -n {} && exec \"$0\" \"$@\"", limit)}});
    if (!serve.ready()) {
      EXPECT_EQ(serve.child().wait(kPatience), ExitStatus::exited(1)) << limit << ": " << serve.output();
      EXPECT_THAT(serve.output(), HasSubstr("Too many open files")) << limit;
      serve.expect_error("could not start: ", 1);
      ++refused;
    } else {
      const Response response =
          fetch(Endpoint::parse("unix:" + (server.folder() / "hello.sock")), ScgiRequest::get("/"));
      EXPECT_TRUE(response.complete(200) || response.complete(503)) << limit << ": " << response << serve.output();
      answered += response.complete(200);
      EXPECT_TRUE(serve.child().signal(SIGTERM));
      EXPECT_EQ(serve.child().wait(seconds(20)), ExitStatus::exited(0)) << limit;
    }
    for (const char* where : {"a worker could not be started: ", "generation 1 failed at ", "degraded: "}) {
      if (serve.output().find(where) != std::string::npos) serve.expect_error(where);
    }
    EXPECT_FALSE(fs::exists(server.folder() / "hello.sock")) << limit;
    EXPECT_FALSE(fs::exists(server.folder() / "run")) << limit;
  }
  EXPECT_GT(refused, 0);
  EXPECT_GT(answered, 0);
}

}  // namespace
}  // namespace harness
