// What a worker is, may do and can see: as the file says, or, where the server was not started as root, as far as an
// ordinary user can have it.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <map>
#include <sstream>

#include "harness/processes.h"
#include "harness/scgi_request.h"
#include "harness/server.h"

namespace harness {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;
using testing::UnorderedElementsAre;

constexpr const char* kIgnored = "user and group are ignored: only a server that is started as root can change them";

// What the fixture tells_its_confinement says, by name.
using Told = std::map<std::string, std::vector<std::string>>;

Told told_by(const Server& server, const std::string& app = "app") {
  const Response response = fetch(server.listener(app), ScgiRequest::get("/"));
  EXPECT_TRUE(response.complete(200)) << response;
  Told told;
  std::istringstream lines(response.body);
  for (std::string line; std::getline(lines, line);) {
    const auto space = line.find(' ');
    told[line.substr(0, space)].push_back(line.substr(std::min(space, line.size() - 1) + 1));
  }
  return told;
}

App teller(std::string more) {
  return {.name = "app", .plugin = fixture_file("tells_its_confinement"), .more = std::move(more)};
}

TEST(Confine, WorkersAreWhoTheFileSays) {
  Server server({teller("user: nobody\ngroup: daemon\n")});
  server.add_environment("MASTERS_SECRET=1");
  server.start();
  Told told = told_by(server);
  const passwd* nobody = getpwnam("nobody");
  const struct group* daemon = getgrnam("daemon");
  const uid_t uid = is_root() ? nobody->pw_uid : geteuid();
  const gid_t gid = is_root() ? daemon->gr_gid : getegid();
  EXPECT_THAT(told["uid"], ElementsAre(fmt::format("{0} {0} {0}", uid)));
  EXPECT_THAT(told["gid"], ElementsAre(fmt::format("{0} {0} {0}", gid)));
  if (is_root()) {
    EXPECT_THAT(told["group"], ElementsAre(std::to_string(gid))) << "none of root's";
    EXPECT_THAT(told["env"], ElementsAre("PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/nonexistent", "USER=nobody"));
  } else {
    EXPECT_THAT(server.log(), HasSubstr(kIgnored));
    EXPECT_THAT(told["env"], Contains("PATH=/usr/local/bin:/usr/bin:/bin"));
    EXPECT_LE(told["env"].size(), 3u);
  }
  EXPECT_THAT(told["dumpable"], ElementsAre(is_root() ? "0" : "1"));
  EXPECT_THAT(told["cwd"], ElementsAre("/"));
  EXPECT_THAT(told["umask"], ElementsAre("022"));
  EXPECT_THAT(told["no_new_privs"], ElementsAre("1"));
}

TEST(Confine, WorkersHaveWhatTheFileGivesThem) {
  Server server(
      {teller("directory: /usr\numask: \"027\"\nno_new_privs: false\n"
              "rlimits: {core: 0, nofile: 200}\n"
              "environment: {TZ: UTC, GREETING: good day, HOME: /srv}\n")});
  server.start();
  Told told = told_by(server);
  EXPECT_THAT(told["cwd"], ElementsAre("/usr"));
  EXPECT_THAT(told["umask"], ElementsAre("027"));
  EXPECT_THAT(told["nofile"], ElementsAre("200/200"));
  EXPECT_THAT(told["core"], ElementsAre("0/0"));
  EXPECT_THAT(told["no_new_privs"], ElementsAre("0"));
  EXPECT_THAT(told["env"], AllOf(Contains("TZ=UTC"), Contains("GREETING=good day"), Contains("HOME=/srv")));
}

// What only root can read or make is the master's to keep, whatever its workers have become.
TEST(Confine, ReloadsAndNewLogsNeedNothingOfTheWorkersUser) {
  const TempDir folder;
  const std::string plugin = folder / "plugin.so";
  const std::string log = folder / "access.log";
  std::filesystem::copy_file(fixture_file("tells_its_confinement"), plugin);
  std::filesystem::permissions(plugin, std::filesystem::perms(0700));
  App app = teller(fmt::format("user: nobody\naccess_log: {{file: {}, format: '$uri $status'}}\n", log));
  app.plugin = plugin;
  app.listen = {"127.0.0.1:0", "{address: unix:app.sock, mode: \"0660\"}"};
  Server server({app}, fmt::format("pid_file: {}\n", folder / "pid"));
  server.start();
  const auto ask = [&](const std::string& uri) {
    for (const std::size_t listener : {0, 1}) {
      EXPECT_TRUE(fetch(server.listener("app", listener), ScgiRequest::get(uri)).complete(200)) << uri;
    }
    if (is_root()) {
      EXPECT_THAT(told_by(server)["uid"], ElementsAre(fmt::format("{0} {0} {0}", getpwnam("nobody")->pw_uid)));
    }
  };
  ask("/1");
  EXPECT_EQ(server.reload(), kOneReloaded);
  ask("/2");
  ASSERT_TRUE(eventually([&] { return read_file(log).find("/2 200\n") != std::string::npos; }));
  std::filesystem::rename(log, log + ".1");
  server.signal(SIGUSR1);
  ASSERT_TRUE(eventually([&] { return std::filesystem::exists(log); }));
  ask("/3");
  EXPECT_EQ(server.reload(), kOneReloaded);
  ask("/4");
  EXPECT_EQ(server.stop(), ExitStatus::exited(0));
  EXPECT_THAT(read_file(log + ".1"), AllOf(HasSubstr("/1 200\n"), HasSubstr("/2 200\n"), Not(HasSubstr("/3"))));
  EXPECT_THAT(read_file(log), AllOf(HasSubstr("/3 200\n"), HasSubstr("/4 200\n"), Not(HasSubstr("/1"))));
}

// Descriptors 0 to 2, the channel, the image, the folder that it works in, and the connection.
TEST(Confine, WorkersHoldNothingElseOfTheMasters) {
  Server server({teller("")}, "pid_file: pid\n");
  server.start();
  Told told = told_by(server);
  std::vector<std::string> others;
  for (const std::string& descriptor : told["descriptor"]) {
    if (std::stoi(descriptor) > 2) others.push_back(descriptor.substr(descriptor.find('=') + 1));
  }
  EXPECT_THAT(others, UnorderedElementsAre(MatchesRegex("socket:.*"), MatchesRegex("/memfd:forklift:app.1.*"), "/",
                                           MatchesRegex("socket:.*")));
}

TEST(Confine, AServerThatRunsAsRootInsistsOnAUser) {
  Server server({teller("# user: not yet\n")});
  if (is_root()) {
    server.expect_error(
        "could not start: app \"app\": the server runs as root and the app names no user; write user: ");
    server.launch();
    EXPECT_EQ(server.wait(), ExitStatus::exited(1));
  } else {
    server.start();
    EXPECT_THAT(told_by(server)["uid"], ElementsAre(fmt::format("{0} {0} {0}", geteuid())));
  }
}

TEST(Confine, AUserWhomNobodyKnowsEndsTheStart) {
  Server server({{.name = "app",
                  .plugin = fixture_file("tells_its_confinement"),
                  .listen = {"unix:app.sock"},
                  .more = "user: no-such-user\n"}});
  if (is_root()) {
    server.expect_error("could not start: app \"app\": user: there is no user \"no-such-user\"");
    server.launch();
    EXPECT_EQ(server.wait(), ExitStatus::exited(1));
  } else {
    server.start();
    EXPECT_THAT(server.log(), HasSubstr(kIgnored));
  }
}

TEST(Confine, AChrootNeedsRootAndAProc) {
  const TempDir jail;
  Server server({teller(fmt::format("chroot: {}\n", jail.path()))});
  server.expect_error(
      is_root()
          ? fmt::format("failed at CONFINED: chroot {0}: there is no /proc in it, *; mount a proc "
                        "file system at {0}/proc",
                        jail.path())
          : fmt::format("failed at CONFINED: chroot {} (only a server that is started as root can)", jail.path()));
  server.expect_error("degraded");
  server.expect_error("could not start: no app could be started");
  server.launch();
  EXPECT_EQ(server.wait(), ExitStatus::exited(1));
}

// The address sanitizer keeps what was freed as it was, in its quarantine: what WorkersKnowNothing looks for.
// `backwards` is how the fixture finds_texts is told what to look for.
std::string backwards(std::string text) {
  std::reverse(text.begin(), text.end());
  return text;
}

TEST(NotSanitizedConfine, WorkersKnowNothingOfOtherApps) {
  const std::string own = "this-is-of-the-app-itself", setting = "a-secret-of-another-app-settings",
                    variable = "a-secret-of-another-environment", brief = "brief-secret",
                    masters = "of-the-master-alone";
  Server server({{.name = "finder",
                  .plugin = fixture_file("finds_texts"),
                  .more = fmt::format("settings: {{own: {}, backwards: [{}, {}, {}, {}, {}]}}\n", own, backwards(own),
                                      backwards(setting), backwards(variable), backwards(brief), backwards(masters))},
                 {.name = "keeper",
                  .plugin = plugin_file("hello"),
                  .more = fmt::format("settings: {{password: {}, list: [{}]}}\nenvironment: {{TOKEN: {}}}\n", setting,
                                      brief, variable)}});
  server.add_environment("MASTERS_SECRET=" + masters);
  server.start();
  const Response response = fetch(server.listener("finder"), ScgiRequest::get("/"), seconds(20));
  EXPECT_TRUE(response.complete(200)) << response;
  EXPECT_EQ(response.body, "found none none none none") << "its own; settings, environment, a short one; the master's";
  EXPECT_TRUE(fetch(server.listener("keeper"), ScgiRequest::get("/")).complete(200));
}

// The beginning of a text in memory that was freed is overwritten by whoever keeps account of that memory.
TEST(NotSanitizedConfine, WorkersKnowNothingOfWhatOtherAppsHadBeforeAReload) {
  const std::string setting = "an-old-secret-of-another-app-settings",
                    variable = "an-old-secret-of-another-environment";
  std::vector<App> apps = {
      {.name = "finder",
       .plugin = fixture_file("finds_texts"),
       .more = fmt::format("settings: {{backwards: [{}, {}]}}\n", backwards(setting.substr(16)),
                           backwards(variable.substr(16)))},
      {.name = "keeper",
       .plugin = plugin_file("hello"),
       .more = fmt::format("settings: {{password: {}}}\nenvironment: {{TOKEN: {}}}\n", setting, variable)}};
  Server server(apps);
  server.start();
  apps[1].more = {};
  server.configure(apps);
  EXPECT_EQ(server.reload(), "2 apps reloaded, 0 added, 0 removed, 0 failed");
  ASSERT_TRUE(server.at_rest()) << "the old generation is gone";
  // One that dies before it has served is a start that has failed, and a pause follows.
  EXPECT_TRUE(fetch(server.listener("finder"), ScgiRequest::get("/"), seconds(20)).complete(200));
  server.expect_error("died of signal 9 (Killed) *");
  const auto workers = children_of(server.pid());
  const auto finder = std::ranges::find(workers, "fl:finder", &Process::name);
  ASSERT_NE(finder, workers.end());
  server.signal_worker(finder->pid, SIGKILL);
  ASSERT_TRUE(wait_until_gone(finder->pid));
  const Response response = fetch(server.listener("finder"), ScgiRequest::get("/"), seconds(20));
  EXPECT_TRUE(response.complete(200)) << response;
  EXPECT_EQ(response.body, "none none");
}

TEST(ProcessState, IsRestoredBehindEachRequest) {
  Server server({{.name = "app",
                  .plugin = fixture_file("leaves_its_state_changed"),
                  .more = "workers: {min: 1, max: 1}\numask: \"027\"\n"}});
  server.start();
  const std::string first = fetch(server.listener("app"), ScgiRequest::get("/")).body;
  EXPECT_THAT(first, HasSubstr(" cwd / umask 027 USR1 0 timer 0\n"));
  for (int i = 0; i < 10; ++i) EXPECT_EQ(fetch(server.listener("app"), ScgiRequest::get("/")).body, first);
}

// What is not restored is the plugin's own matter, and does not keep the worker from leaving. Where each worker answers
// one request, none meets what another has left.
TEST(ProcessState, OfEachRequestIsFreshWhereAWorkerAnswersOnlyOne) {
  for (const bool is_fresh : {true, false}) {
    Server server({{.name = "app",
                    .plugin = fixture_file("leaves_traces"),
                    .more = fmt::format("workers: {{min: 1, max: 1, max_requests: {}}}\n", is_fresh ? 1 : 0)}});
    server.start();
    const auto ask = [&] { return fetch(server.listener("app"), ScgiRequest::get("/")).body; };
    const std::string fresh = "handler 0 variable 0 locale 0 thread 0 deaf 0\n";
    EXPECT_EQ(ask(), fresh);
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(ask(), is_fresh ? fresh : "handler 1 variable 1 locale 1 thread 1 deaf 1\n");
    }
  }
}

}  // namespace
}  // namespace harness
