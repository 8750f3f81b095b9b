// What a worker has no more of what root has started the server with.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/keyctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>

#include "harness/command.h"
#include "harness/processes.h"
#include "harness/scgi_request.h"
#include "harness/server.h"

namespace harness {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;

constexpr uid_t kNobody = 65534;

App told_to_tell(const std::string& name, const std::string& more) {
  return {.name = name, .plugin = fixture_file("tells_its_privileges"), .more = more};
}

std::string told_by_app(const Server& server, const std::string& app) {
  return fetch(server.listener(app), ScgiRequest::get("/")).body;
}

// Who possesses a key may read it, whatever user he is.
TEST(PrivilegesOfRoot, AWorkerHasNoKeysOfRootsSession) {
  constexpr std::string_view kSecret = "known to root";
  if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, nullptr) < 0) GTEST_SKIP() << "no keyrings: " << strerror(errno);
  ASSERT_GE(syscall(SYS_add_key, "user", "forklift-test", kSecret.data(), kSecret.size(), KEY_SPEC_SESSION_KEYRING), 0);
  Server server({told_to_tell("app", "user: nobody\nsettings: {key: forklift-test}\n"),
                 told_to_tell("roots", "user: root\nsettings: {key: forklift-test}\n")});
  server.start();
  EXPECT_THAT(told_by_app(server, "app"), HasSubstr("\nkey Required key not available\n"));
  EXPECT_THAT(told_by_app(server, "roots"), HasSubstr("\nkey known to root\n")) << "a worker that is root";
}

constexpr const char* kNoCapabilities = "Inh 0\nPrm 0\nEff 0\nAmb 0\n";

// As AmbientCapabilities= of a service does it.
TEST(PrivilegesOfRoot, AWorkerHasNoneOfTheCapabilitiesOfAServerThatIsNoRoot) {
  Server server({told_to_tell("app", "")});
  ASSERT_EQ(chown(server.folder().path().c_str(), kNobody, kNobody), 0);
  server.run_with({"/usr/bin/setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups", "--inh-caps",
                   "+net_bind_service,+kill", "--ambient-caps", "+net_bind_service,+kill"});
  server.start();
  EXPECT_THAT(read_file(fmt::format("/proc/{}/status", server.pid())), HasSubstr("\nCapAmb:\t0000000000000420\n"))
      << "the server keeps them";
  EXPECT_THAT(told_by_app(server, "app"), HasSubstr(kNoCapabilities));
}

// Capabilities that survive a change of the user, and those that programs would get.
TEST(PrivilegesOfRoot, AWorkerHasNoCapabilityHoweverRootHasStartedTheServer) {
  Server server({told_to_tell("app", "user: nobody\n"), told_to_tell("roots", "user: root\n")});
  server.run_with({"/usr/bin/setpriv", "--inh-caps", "+kill", "--securebits", "+no_setuid_fixup"});
  server.start();
  EXPECT_THAT(told_by_app(server, "app"), HasSubstr(kNoCapabilities));
  EXPECT_THAT(told_by_app(server, "roots"), HasSubstr("Inh 20\n")) << "a worker that is root keeps what the server has";
}

// ---- a plugin that others may write to is not run, whoever asks for it ----

class PluginOfOthers : public testing::Test {
 protected:
  PluginOfOthers() { std::filesystem::copy_file(plugin_file("hello"), plugin()); }

  std::string plugin() const { return folder_ / "plugin.so"; }
  void mode(mode_t mode) const { ASSERT_EQ(chmod(plugin().c_str(), mode), 0); }

  TempDir folder_;
};

TEST_F(PluginOfOthers, IsNotRunByARestart) {
  Server server({{.name = "app", .plugin = plugin(), .more = "user: nobody\n"}});
  server.expect_error("failed at IMAGED: everybody may write to " + plugin() + ", which a server that runs as root *");
  server.start();
  mode(0777);
  Command restart("restart", server, {"--app", "app"});
  EXPECT_EQ(restart.wait(), kFailed);
  EXPECT_THAT(restart.output(), HasSubstr("failed at IMAGED: everybody may write to " + plugin()));
  EXPECT_TRUE(fetch(server.listener("app"), ScgiRequest::get("/")).complete(200)) << "the generation before stays";
}

// The app is degraded, and tried again with a fresh image.
TEST_F(PluginOfOthers, IsNotRunWhenAFailedStartIsTriedAgain) {
  Server server({{.name = "app", .plugin = plugin(), .more = "user: nobody\n"},
                 {.name = "other", .plugin = plugin_file("hello"), .more = "user: nobody\n"}});
  const std::string good = read_file(plugin());
  write_file(plugin(), "no plugin");
  server.expect_error("app \"app\": generation * failed at IMAGED: *");
  server.expect_error("app \"app\": degraded: *");
  server.expect_workers("app", 0);
  server.start();
  mode(0666);
  write_file(plugin(), good);
  ASSERT_TRUE(server.wait_for_log("failed at IMAGED: everybody may write to " + plugin(), seconds(20)));
  EXPECT_TRUE(fetch(server.listener("app"), ScgiRequest::get("/")).complete(503));
  mode(0644);
  const auto answers = [&] { return bool(fetch(server.listener("app"), ScgiRequest::get("/")).complete(200)); };
  ASSERT_TRUE(eventually(answers, seconds(20)));
  server.expect_workers("app", 1);
  server.remember_rest();
}

// ---- a log is written only where root alone decides what that is ----

constexpr const char* kWhose =
    " is user 65534's, who could put a link to any file in the log's place; a server that runs as root ";

// `shared` is the app's user's, who has put a link there that leads to a file of root's.
class LogOfRoot : public testing::Test {
 protected:
  LogOfRoot() {
    std::filesystem::create_directory(shared());
    EXPECT_EQ(chmod(folder_.path().c_str(), 0755), 0);
    write_file(victim(), kPrecious);
    std::filesystem::create_symlink(victim(), shared() + "/access.log");
    EXPECT_EQ(lchown((shared() + "/access.log").c_str(), kNobody, kNobody), 0);
    EXPECT_EQ(chown(shared().c_str(), kNobody, kNobody), 0);
  }
  ~LogOfRoot() override { EXPECT_EQ(read_file(victim()), kPrecious); }

  static constexpr const char* kPrecious = "root:x:0:0:root:/root:/bin/bash\n";

  std::string shared() const { return folder_ / "shared"; }
  std::string victim() const { return folder_ / "passwd"; }
  App logging_to(const std::string& file) const {
    return {.name = "app",
            .plugin = plugin_file("hello"),
            .more = fmt::format("user: nobody\naccess_log: {{file: {}, format: $uri}}\n", file)};
  }
  std::string reason() const { return "the folder " + shared() + kWhose; }

  TempDir folder_;
};

TEST_F(LogOfRoot, InAFolderOfTheAppsUserIsToldByCheck) {
  Server server({logging_to(shared() + "/access.log")}, fmt::format("log: {{file: {}/log}}\n", shared()));
  server.write_config();
  Command check({"check", server.config_file()});
  EXPECT_EQ(check.wait(), kWrongUse);
  EXPECT_THAT(check.output(), HasSubstr(server.config_file() + ": log.file: " + reason()));
  EXPECT_THAT(check.output(), ContainsRegex("/server.yaml:[0-9]+:[0-9]+: access_log.file: " + reason()));
  EXPECT_THAT(check.output(),
              HasSubstr(": chown root " + shared() + ", or write a path whose folders are root's alone"));
}

TEST_F(LogOfRoot, InSuchAFolderEndsTheStart) {
  Server of_app({logging_to(shared() + "/access.log")});
  of_app.expect_error("could not start: app \"app\": access log: " + reason() + "*");
  of_app.launch();
  EXPECT_EQ(of_app.wait(), kFailed);

  Server of_server({logging_to("own.log")}, fmt::format("log: {{file: {}/access.log}}\n", shared()));
  of_server.launch();
  EXPECT_EQ(of_server.wait(), kFailed);
  EXPECT_THAT(of_server.log(), HasSubstr("forklift: log: " + reason()));
}

TEST_F(LogOfRoot, InSuchAFolderIsNotTakenByAReload) {
  Server server({logging_to("own.log")});
  server.start();
  server.expect_error("reload: app \"app\": access log: " + reason() + "*");
  server.expect_error("reload: nothing has changed");
  server.configure({logging_to(shared() + "/access.log")});
  EXPECT_EQ(server.reload(), kNothingChanged);
}

// The folder was root's when the server started.
TEST_F(LogOfRoot, InSuchAFolderIsNotOpenedAgain) {
  ASSERT_EQ(chown(shared().c_str(), 0, 0), 0);
  std::filesystem::remove(shared() + "/access.log");
  Server server({logging_to(shared() + "/access.log")});
  server.start();
  EXPECT_TRUE(fetch(server.listener("app"), ScgiRequest::get("/before")).complete(200));
  std::filesystem::rename(shared() + "/access.log", shared() + "/access.log.1");
  std::filesystem::create_symlink(victim(), shared() + "/access.log");
  ASSERT_EQ(chown(shared().c_str(), kNobody, kNobody), 0);
  server.expect_error("access log stays with the file that it has: " + reason() + "*");
  server.signal(SIGUSR1);
  ASSERT_TRUE(server.wait_for_log("access log stays with the file that it has"));
  server.remember_rest();
  EXPECT_TRUE(fetch(server.listener("app"), ScgiRequest::get("/behind")).complete(200));
  EXPECT_EQ(server.stop(), kGood);
  EXPECT_EQ(read_file(shared() + "/access.log.1"), "/before\n/behind\n");
}

TEST_F(LogOfRoot, MayBeStandardErrorAndNothing) {
  for (const char* file : {"/dev/stderr", "/dev/null"}) {
    Server server({logging_to(file)});
    server.start();
    EXPECT_TRUE(fetch(server.listener("app"), ScgiRequest::get("/of-this-request")).complete(200));
    EXPECT_EQ(server.stop(), kGood);
    EXPECT_EQ(server.log().find("/of-this-request\n") != std::string::npos, file == std::string("/dev/stderr"));
  }
}

}  // namespace
}  // namespace harness
