// `forklift check` of what the configuration asks of the machine: users, folders, limits. What cannot be had at all,
// `serve` says as well.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "harness/checking.h"

namespace harness {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;
using testing::StartsWith;

TEST_F(Check, LooksUsersUp) {
  write({{"one", plugin_file("hello"), "user: nobdy"}, {"two", plugin_file("hello")}});
  EXPECT_EQ(run(), ExitStatus::exited(is_root() ? 2 : 0));
  if (is_root()) {
    EXPECT_THAT(lines(),
                ElementsAre(MatchesRegex(".*/app.yaml:3:[0-9]+: app \"one\": user: there is no user \"nobdy\""),
                            file() + ": 1 finding"));
  } else {
    EXPECT_THAT(lines(),
                ElementsAre(StartsWith("warning: app \"one\": user and group are ignored"), file() + ": fine: 2 apps"));
  }
}

// What serve would find out when it opens them.
TEST_F(Check, TellsOfFoldersAndOwnersThatAreNotThere) {
  write({{"app", fixture_file("tells_where_it_runs"), "access_log: {file: none/access.log}"},
         {"other", fixture_file("tells_where_it_runs")}},
        "pid_file: none/pid\ncontrol: none/control\nlog: {file: none/log}");
  std::string text = read_file(file());
  const std::size_t listen = text.rfind("listen: ");
  text.replace(listen, text.find_first_of(",}", listen) - listen,
               "listen: {address: unix:none/sock, group: no-such-group}");
  write_file(file(), text);
  EXPECT_EQ(run(), ExitStatus::exited(2));
  const std::string cure = "there is no folder .*/none; make it, or write another path";
  for (const std::string& line :
       {"/app.yaml: log.file: " + cure, "/app.yaml: pid_file: " + cure, "/app.yaml: control: " + cure,
        "/app.yaml:6:.*: access_log.file: " + cure, "/app.yaml:7:.*: listen: " + cure,
        std::string("/app.yaml:7:.*: listen: group: there is no group \"no-such-group\"")}) {
    EXPECT_THAT(output(), testing::ContainsRegex(line));
  }
}

// ---- what the machine cannot give: told by `serve` as well ----

class CheckAndServe : public Check {
 protected:
  // Whether both refuse the file with this line, and neither has run the plugin.
  void expect_refusal(const std::string& line) {
    for (const char* command : {"check", "serve"}) {
      std::filesystem::remove(folder_ / "out");
      start_command({server_binary(), command, file()});
      EXPECT_EQ(wait(), ExitStatus::exited(2)) << command;
      EXPECT_THAT(lines(), testing::Contains(MatchesRegex(line))) << command;
      EXPECT_THAT(output(), Not(HasSubstr("fixture: "))) << command;
    }
  }
};

TEST_F(CheckAndServe, RefuseAsRootAPluginThatOthersMayWriteTo) {
  std::filesystem::create_directory(folder_ / "plugins");
  const std::string plugin = folder_ / "plugins/plugin.so";
  std::filesystem::copy_file(fixture_file("tells_where_it_runs"), plugin);
  write({{"app", plugin}});
  for (const mode_t mode : {0777, 0775}) {
    const std::string whom = mode == 0777 ? "everybody" : "its group";
    ASSERT_EQ(chmod(plugin.c_str(), mode), 0);
    if (!is_root()) {
      EXPECT_EQ(run(), ExitStatus::exited(0));
      continue;
    }
    expect_refusal(fmt::format(".*/app.yaml:3:23: app \"app\": plugin: {} may write to .*plugin.so, .*", whom));
    ASSERT_EQ(chmod(plugin.c_str(), 0755), 0);
    ASSERT_EQ(chmod((folder_ / "plugins").c_str(), mode), 0);
    expect_refusal(
        fmt::format(".*app.yaml:3:23: app \"app\": plugin: {} may write to the folder .*/plugins and .*", whom));
    ASSERT_EQ(chmod((folder_ / "plugins").c_str(), 0755), 0);
  }
}

TEST_F(CheckAndServe, RefuseMoreDescriptorsThanAnybodyMayHave) {
  write({{"app", fixture_file("tells_where_it_runs"), "rlimits: {nofile: 2147483584}"}});
  expect_refusal(".*/app.yaml:3:[0-9]+: app \"app\": rlimits.nofile: 2147483584 is .*");
}

TEST_F(CheckAndServe, RefuseMoreConnectionsThanTheServerCouldHold) {
  write({{"app", fixture_file("tells_where_it_runs"), "limits: {connections: 900}"}});
  const std::string limited = "ulimit -n 512; exec \"$@\"";
  for (const char* command : {"check", "serve"}) {
    std::filesystem::remove(folder_ / "out");
    start_command({"/bin/sh", "-c", limited, "sh", server_binary(), command, file()});
    EXPECT_EQ(wait(), ExitStatus::exited(2)) << command;
    EXPECT_THAT(output(),
                HasSubstr("app \"app\": limits.connections: 900 connections and 5 workers take 947 descriptors, "
                          "and the server may have 512; write at most 465, or raise that limit"))
        << command;
  }
}

}  // namespace
}  // namespace harness
