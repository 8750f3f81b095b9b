// Apps that stand in files of their own, and what all apps have in common.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <string>

#include "harness/scgi_request.h"
#include "harness/server.h"

namespace harness {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

std::string page_of(const Server& server, const std::string& app) {
  const Response response = fetch(server.listener(app), ScgiRequest::get("/"));
  EXPECT_TRUE(response.complete(200)) << response;
  return response.body;
}

TEST(Include, AppsOfAllFilesServeUnderTheDefaults) {
  const std::string plugin = fixture_file("tells_its_confinement");
  Server server({{.name = "own", .plugin = plugin, .more = "umask: \"077\"\nenvironment: { OWN: 1 }\n"}},
                "include: [ conf.d/*.yaml ]\n"
                "defaults: { user: nobody, umask: \"027\", environment: { COMMON: 1 } }\n");
  const std::string folder = server.folder() / "conf.d";
  fs::create_directory(folder);
  fs::create_symlink(plugin, folder + "/plugin.so");
  write_file(
      folder + "/package.yaml",
      "apps: [ { name: packaged, plugin: plugin.so, listen: \"127.0.0.1:0\", environment: { PACKAGED: 1 } } ]\n");
  server.start();

  EXPECT_THAT(page_of(server, "own"), AllOf(HasSubstr("umask 077\n"), HasSubstr("env COMMON=1\n"),
                                            HasSubstr("env OWN=1\n"), Not(HasSubstr("env PACKAGED"))));
  EXPECT_THAT(page_of(server, "packaged"), AllOf(HasSubstr("umask 027\n"), HasSubstr("env COMMON=1\n"),
                                                 HasSubstr("env PACKAGED=1\n"), Not(HasSubstr("env OWN"))));
  server.stop();
}

// The example with every key is one that runs, and not only one that can be read.
TEST(Include, TheExampleWithEveryKeyServes) {
  const TempDir folder;
  std::string yaml = read_file(source_file("conf/full.yaml"));
  const auto replace = [&](std::string_view what, const std::string& with) {
    const auto at = yaml.find(what);
    ASSERT_NE(at, yaml.npos) << what;
    yaml.replace(at, what.size(), with);
  };
  replace("\"127.0.0.1:4000\"", "\"127.0.0.1:0\"");
  replace("listen: 4001", "listen: 0");
  replace("../build/release/plugins/hello.so", plugin_file("hello"));
  replace("../build/release/plugins/hello_cc.so", plugin_file("hello_cc"));
  replace("#runtime_dir: /run/shop", "runtime_dir: " + folder / "run");
  write_file(folder / "full.yaml", yaml);

  Child child;
  child.start({.command = {server_binary(), "serve", folder / "full.yaml", "--strict"},
               .environment = {},
               .output = folder / "log"});
  const auto ready = [&] {
    return fs::exists(folder / "log") && read_file(folder / "log").find("READY: app \"hello\"") != std::string::npos;
  };
  ASSERT_TRUE(eventually(ready, seconds(15))) << read_file(folder / "log");
  child.signal(SIGTERM);
  EXPECT_EQ(child.wait(seconds(15)), ExitStatus::exited(0)) << read_file(folder / "log");
}

}  // namespace
}  // namespace harness
