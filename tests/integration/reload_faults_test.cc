// Reloads at the wrong moment: in a storm of signals, on a machine that has nothing left, with workers that crash.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <map>
#include <regex>
#include <set>
#include <thread>
#include <vector>

#include "harness/command.h"
#include "harness/faults.h"
#include "harness/processes.h"
#include "harness/scgi_request.h"
#include "harness/server.h"

namespace harness {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

App versioned(const std::string& plugin, const std::string& more = {}) {
  return {.name = "app", .plugin = plugin, .listen = {"unix:app.sock"}, .more = more};
}

std::string ask(const Server& server, const std::string& uri = "/app") {
  const Response response = fetch(server.listener("app"), ScgiRequest::get(uri));
  return response.complete(200) ? response.body : testing::PrintToString(response);
}

// Asks on one listener after the other, until it is told to end.
void ask_until(const std::atomic<bool>& over, const Server& server, std::atomic<int>& answers) {
  for (std::size_t i = 0; !over; ++i) {
    const Response response = fetch(server.listener("app", i % 2), ScgiRequest::get("/app"));
    EXPECT_TRUE(response.complete(200)) << response;
    EXPECT_THAT(response.body, testing::MatchesRegex("app [0-9]+ one"));
    ++answers;
  }
}

TEST(ReloadFaults, AThousandSignalsAreAFewReloads) {
  App app = versioned(fixture_file("version_one"));
  app.listen = {"127.0.0.1:0", "unix:app.sock"};
  Server server({app});
  server.start();
  std::atomic<bool> over = false;
  std::atomic<int> answers = 0;
  std::vector<std::thread> clients;
  for (int i = 0; i < 4; ++i) clients.emplace_back([&] { ask_until(over, server, answers); });
  for (int i = 0; i < 1000; ++i) {
    server.signal(SIGHUP);
    std::this_thread::sleep_for(milliseconds(1));  // so that they don't come as one
    if (i % 100 != 0) continue;
    const auto reload = status_of(server)->getObject("reload");
    EXPECT_TRUE(!reload || reload->getValue<int>("waiting") <= 1);
  }
  // The one that is under way, and one for all that have come meanwhile.
  const std::size_t most = server.reloads().size() + 2;
  EXPECT_TRUE(eventually([&] { return !status_of(server)->getObject("reload"); }, 2 * kPatience));
  EXPECT_LE(server.reloads().size(), most);
  EXPECT_LT(most, 1000u);
  over = true;
  for (std::thread& client : clients) client.join();
  EXPECT_GT(answers, 100);
  EXPECT_EQ(server.reload(), kOneReloaded);
  EXPECT_TRUE(server.at_rest());
  EXPECT_THAT(ask(server), testing::MatchesRegex("app [0-9]+ one"));
}

// What is asked for while a reload is under way is done afterwards: the file may have changed meanwhile.
TEST(ReloadFaults, OneThatIsAskedForDuringAnotherIsNotLost) {
  const TempDir folder;
  const std::string flag = folder / "flag";
  const auto app = [&](const char* plugin) {
    return App{
        .name = "app", .plugin = fixture_file(plugin), .listen = {"unix:app.sock"}, .more = "timeouts: {start: 1s}\n"};
  };
  Server server({app("version_one")});
  server.start();
  server.expect_error(
      "app \"app\": generation 2 failed at CREATED: not reached within timeouts.start*; generation 1 stays");
  server.configure({app("create_hangs")});
  server.signal(SIGHUP);
  ASSERT_TRUE(server.wait_for_log("reloading"));
  server.configure({app("version_two")});
  for (int i = 0; i < 3; ++i) server.signal(SIGHUP);
  ASSERT_TRUE(eventually([&] { return server.reloads().size() == 2; }));
  EXPECT_EQ(server.reloads(), (std::vector<std::string>{kOneFailed, kOneReloaded}));
  EXPECT_EQ(ask(server), "app 3 two");
}

TEST(ReloadFaults, AStopDuringAReloadIsAStop) {
  Server server({versioned(fixture_file("version_one"))});
  server.start();
  server.skip_rest("a worker that is about to hang is being started");
  server.configure({versioned(fixture_file("create_hangs"), "timeouts: {stop: 1s}\n")});
  server.signal(SIGHUP);
  const auto two_workers = [&] {
    const auto children = children_of(server.pid());
    return std::ranges::count(children, "fl:app", &Process::name) == 2;
  };
  ASSERT_TRUE(eventually(two_workers));
  EXPECT_EQ(server.stop(), ExitStatus::exited(0));
}

// The probe is asked in the turn of the loop in which the worker is READY.
void wait_for_probe(const Server& server) {
  ASSERT_TRUE(eventually([&] {
    const std::string log = server.log();
    return std::regex_search(log, std::regex("generation 2 worker [0-9]+: READY"));
  }));
}

constexpr const char* kNothingEnds =
    "reload: {probe: GET /}\ntimeouts: {start: 2s, stop: 500ms, request: 0, write: 0}\n";

TEST(ReloadFaults, AProbeWhosePageHasNoEndIsHungUpOn) {
  Server server({versioned(fixture_file("version_one"))});
  server.start();
  server.configure({versioned(fixture_file("writes_for_ever"), kNothingEnds)});
  server.expect_error(
      "app \"app\": generation 2 failed at PROBED: GET /: it has no answer within timeouts.start; generation 1 stays");
  EXPECT_EQ(server.reload(), kOneFailed);
  EXPECT_TRUE(server.at_rest()) << "its worker has left";
  EXPECT_EQ(ask(server), "app 1 one");
  server.configure({versioned(fixture_file("version_one"))});
}

TEST(ReloadFaults, AProbeThatHangsIsKilledWhenItHasFailed) {
  Server server({versioned(fixture_file("version_one"))});
  server.start();
  server.configure({versioned(fixture_file("hangs"), kNothingEnds)});
  server.expect_error(
      "app \"app\": generation 2 failed at PROBED: GET /: it has no answer within timeouts.start; generation 1 stays");
  server.expect_error("killed by timeouts.stop with GET \"/\" since * s*");
  EXPECT_EQ(server.reload(), kOneFailed);
  EXPECT_TRUE(server.at_rest());
  EXPECT_EQ(ask(server), "app 1 one");
  server.configure({versioned(fixture_file("version_one"))});
}

TEST(ReloadFaults, AStopDoesNotWaitForAProbeThatHangs) {
  Server server({versioned(fixture_file("version_one"))}, "log: {level: debug}\n");
  server.start();
  server.skip_rest("a worker hangs in its probe");
  server.configure(
      {versioned(fixture_file("hangs"), "reload: {probe: GET /}\ntimeouts: {start: 1h, stop: 500ms, request: 0}\n")});
  server.expect_error("killed by timeouts.stop with GET \"/\" since * s*");
  server.signal(SIGHUP);
  wait_for_probe(server);
  EXPECT_EQ(server.stop(), ExitStatus::exited(0));
}

struct Missing {
  const char* name;
  shim_call call;
  int error;
  unsigned calls;  // of a reload
};

std::ostream& operator<<(std::ostream& out, const Missing& missing) {
  return out << missing.name;
}

class ReloadOutOf : public testing::TestWithParam<Missing> {};

INSTANTIATE_TEST_SUITE_P(By, ReloadOutOf,
                         testing::Values(Missing{"Processes", SHIM_FORK, EAGAIN, 3},
                                         Missing{"Memory", SHIM_FORK, ENOMEM, 3},
                                         Missing{"Images", SHIM_MEMFD_CREATE, EMFILE, 1},
                                         Missing{"Disk", SHIM_PWRITE, ENOSPC, 1},
                                         Missing{"Descriptors", SHIM_OPEN, EMFILE, 4}),
                         testing::PrintToStringParamName());

// What comes in between costs the reload, and nothing else; the next one succeeds.
TEST_P(ReloadOutOf, LeavesWhatServes) {
  for (unsigned after = 0; after < GetParam().calls; ++after) {
    Server server({versioned(fixture_file("version_one"))});
    Faults faults(server);
    server.start();
    faults.fail(GetParam().call, GetParam().error, {.after = after, .count = 1});
    const std::string end = server.reload();
    EXPECT_THAT(end, testing::AnyOf(kOneReloaded, kOneFailed, kNothingChanged));
    if (end == kOneFailed) server.expect_error("generation 1 stays");
    if (end == kNothingChanged) {
      server.expect_error("reload: *");
      server.expect_error("reload: nothing has changed");
    }
    EXPECT_THAT(ask(server), testing::StartsWith(end == kOneReloaded ? "app 2 " : "app 1 ")) << end;
    faults.clear();
    EXPECT_EQ(server.reload(), kOneReloaded);
    EXPECT_TRUE(server.at_rest());
  }
}

// New descriptors have the lowest numbers that are free, below the limit.
rlim_t limit_that_leaves(int spare, pid_t pid) {
  const std::map<int, std::string> taken = descriptors_of(pid);
  int limit = 0;
  for (; spare > 0 || taken.contains(limit); ++limit) {
    if (!taken.contains(limit)) --spare;
  }
  return static_cast<rlim_t>(limit);
}

// Wherever it runs out of them, and for as long as there are none.
TEST(ReloadShortOf, DescriptorsLeavesWhatServes) {
  Server server({versioned(fixture_file("version_one"))});
  server.start();
  ASSERT_TRUE(server.at_rest());
  rlimit before{};
  ASSERT_EQ(prlimit(server.pid(), RLIMIT_NOFILE, nullptr, &before), 0);
  std::set<std::string> ends;
  for (int spare = 0; spare < 12; ++spare) {
    SCOPED_TRACE(spare);
    const std::string page = ask(server);
    const rlimit tight{.rlim_cur = limit_that_leaves(spare, server.pid()), .rlim_max = before.rlim_max};
    ASSERT_EQ(prlimit(server.pid(), RLIMIT_NOFILE, &tight, nullptr), 0);
    const std::string end = server.reload();
    ASSERT_EQ(prlimit(server.pid(), RLIMIT_NOFILE, &before, nullptr), 0);
    EXPECT_EQ(ask(server) == page, end != kOneReloaded) << end;
    ends.insert(end);
  }
  server.expect_error("reload: nothing has changed");
  server.expect_error("Too many open files");
  EXPECT_EQ(ends, (std::set<std::string>{kOneReloaded, kOneFailed, kNothingChanged}));
  EXPECT_EQ(server.reload(), kOneReloaded);
}

TEST(ReloadShortOf, DiskForItsLogsIsAReload) {
  Server server({versioned(fixture_file("version_one"), "access_log: {file: access.log}\n")});
  Faults faults(server);
  server.start();
  faults.fail(SHIM_WRITE, ENOSPC, {.places = SHIM_MASTER});
  Command reload("reload", server);
  EXPECT_EQ(reload.wait(), ExitStatus::exited(0)) << reload.output();
  EXPECT_THAT(reload.output(), HasSubstr("app  reloaded  2"));
  const unsigned before = faults.failed(SHIM_WRITE);
  EXPECT_EQ(ask(server), "app 2 one");
  EXPECT_TRUE(eventually([&] { return faults.failed(SHIM_WRITE) >= before + 2; }))
      << "that of the access log, and of the line that tells of it";
  faults.clear();
  EXPECT_EQ(server.reload(), kOneReloaded);
  EXPECT_TRUE(server.wait_for_log("log lines were dropped because the log could not be written"));
  EXPECT_EQ(ask(server), "app 3 one");
}

// What was given up has stop in which to leave. Meanwhile no signal starts ever more of it.
TEST(ReloadFaults, WhatHangsInItsDestroyDoesNotPileUp) {
  Server server({versioned(fixture_file("version_one"))});
  server.start();
  server.skip_rest("workers hang in their destroy");
  server.configure({versioned(fixture_file("destroy_hangs"), "reload: {probe: GET /missing}\ntimeouts: {stop: 1s}\n")});
  server.expect_error("failed at PROBED");
  constexpr std::size_t kMost = 8 + 3;  // given up, the one that is tried, the one that serves, and the loader
  std::size_t most = 0;
  const auto is_over = [&] {
    server.signal(SIGHUP);
    most = std::max(most, children_of(server.pid()).size());
    return server.reloads().size() > 12;
  };
  EXPECT_TRUE(eventually(is_over, 12 * kPatience)) << server.reloads().size();
  EXPECT_LE(most, kMost);
  EXPECT_EQ(ask(server), "app 1 one");
}

// ---- probation ----

TEST(Probation, ACrashingGenerationMakesWayForTheOneBefore) {
  const TempDir folder;
  const std::string plugin = folder / "plugin.so";
  fs::copy_file(fixture_file("version_one"), plugin);
  Server server({versioned(plugin, "reload: {probation: 1m, crashes: 2}\n")});
  server.start();
  EXPECT_EQ(ask(server), "app 1 one");
  fs::remove(plugin);
  fs::copy_file(fixture_file("version_two"), plugin);
  EXPECT_EQ(server.reload(), kOneReloaded);
  EXPECT_EQ(ask(server), "app 2 two");
  server.expect_error("exited with status 0 with GET \"/leave\" since * s; answered 502");
  server.expect_error("generation 2 is on probation (reload.probation), and 2 of its 3 requests have crashed");
  server.expect_error("app \"app\": generation 2 is taken back; generation 3 is to be what 1 was. " + plugin + " and");
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(fetch(server.listener("app"), ScgiRequest::get("/leave")).complete(502));
  EXPECT_TRUE(eventually([&] { return server.reloads().size() == 2; }));
  EXPECT_EQ(server.reloads().back(), "0 apps reloaded, 0 added, 0 removed, 0 failed, 1 taken back");
  Command status("status", server);
  EXPECT_EQ(status.wait(), ExitStatus::exited(0));
  EXPECT_THAT(status.output(), HasSubstr("; the last reload was taken back"));
  Command json("status", server, {"--json"});
  EXPECT_EQ(json.wait(), ExitStatus::exited(0));
  EXPECT_THAT(json.output(), HasSubstr("generation 2: 2 of its 3 requests have crashed"));
  EXPECT_EQ(ask(server), "app 3 one") << "from the image: the file holds the other one";
}

TEST(Probation, IsPassedByAGenerationThatCrashesNoMoreThanTheOneBefore) {
  const TempDir folder;
  const std::string plugin = folder / "plugin.so";
  fs::copy_file(fixture_file("version_one"), plugin);
  Server server({versioned(plugin, "reload: {probation: 2s, crashes: 1}\n")});
  server.start();
  server.expect_error("exited with status 0 with GET \"/leave\" since * s; answered 502");
  const auto leave = [&] { return fetch(server.listener("app"), ScgiRequest::get("/leave")).complete(502); };
  EXPECT_TRUE(leave());
  EXPECT_EQ(server.reload(), kOneReloaded);
  EXPECT_TRUE(leave());
  EXPECT_TRUE(server.wait_for_log("app \"app\": generation 2 has passed its probation"));
  EXPECT_EQ(ask(server), "app 2 one");
}

TEST(Probation, OfAGenerationWhoseWorkersDieIdleIsOverAtOnce) {
  const TempDir folder;
  const std::string plugin = folder / "plugin.so";
  fs::copy_file(fixture_file("version_one"), plugin);
  Server server({versioned(plugin, "reload: {probation: 1m}\n")});
  server.start();
  EXPECT_EQ(server.reload(), kOneReloaded);
  EXPECT_EQ(ask(server), "app 2 one");
  server.remember_rest();  // with the image of the generation before
  server.expect_error("died of signal 9 (Killed) while idle");
  server.expect_error("generation 2 is on probation (reload.probation), and a worker has died while idle");
  server.expect_error("app \"app\": generation 2 is taken back; generation 3 is to be what 1 was");
  server.signal_worker(children_of(server.pid()).at(0).pid, SIGKILL);
  EXPECT_TRUE(eventually([&] { return server.reloads().size() == 2; }));
  EXPECT_EQ(ask(server), "app 3 one");
}

// The first generation has had no request to crash in. What comes back writes where it has written before.
TEST(Probation, BringsBackWhatNobodyHasAskedAnythingWithItsAccessLog) {
  const TempDir folder;
  const std::string plugin = folder / "plugin.so";
  const auto logging = [&](const char* name) {
    return versioned(plugin,
                     fmt::format("reload: {{probation: 1m, crashes: 1}}\naccess_log: {{file: {}}}\n", folder / name));
  };
  fs::copy_file(fixture_file("version_one"), plugin);
  Server server({logging("first.log")});
  server.start();
  server.configure({logging("second.log")});
  EXPECT_EQ(server.reload(), kOneReloaded);
  server.expect_error("exited with status 0 with GET \"/leave\" since * s; answered 502");
  server.expect_error("generation 2 is on probation (reload.probation), and its only request has crashed");
  server.expect_error("app \"app\": generation 2 is taken back; generation 3 is to be what 1 was");
  EXPECT_TRUE(fetch(server.listener("app"), ScgiRequest::get("/leave")).complete(502));
  EXPECT_TRUE(eventually([&] { return server.reloads().size() == 2; }));
  EXPECT_EQ(ask(server), "app 3 one");
  EXPECT_TRUE(eventually([&] { return read_file(folder / "first.log").find("GET /app ") != std::string::npos; }));
  EXPECT_EQ(read_file(folder / "second.log").find("GET /app "), std::string::npos);
  server.configure({logging("first.log")});
}

// A reload of the app itself is under way when its generation crashes, and another one waits. When the first has
// failed, the rollback comes before that one, and at once: no event may come that would bring its turn.
TEST(Probation, ComesBeforeAReloadThatWaits) {
  const TempDir folder;
  const std::string plugin = folder / "plugin.so";
  const auto put = [&](const char* fixture) {
    fs::remove(plugin);
    fs::copy_file(fixture_file(fixture), plugin);
  };
  for (const bool another_waits : {false, true}) {
    put("version_one");
    Server server({versioned(plugin, "workers: {min: 1, max: 1}\nreload: {probation: 1m}\ntimeouts: {start: 2s}\n")});
    server.start();
    put("version_two");
    EXPECT_EQ(server.reload(), kOneReloaded);
    EXPECT_EQ(ask(server), "app 2 two");
    if (another_waits) server.remember_rest();  // with the image of the generation before
    ASSERT_TRUE(eventually([&] { return children_of(server.pid()).size() == 1; }));
    const pid_t second = children_of(server.pid()).at(0).pid;
    put("create_hangs");
    server.expect_error("generation 3 failed at CREATED: not reached within timeouts.start*; generation 2 stays");
    server.expect_error("died of signal 9 (Killed) while idle");
    server.expect_error("generation 2 is on probation (reload.probation), and a worker has died while idle");
    server.expect_error("app \"app\": generation 2 is taken back; generation 4 is to be what 1 was");
    server.signal(SIGHUP);
    ASSERT_TRUE(server.wait_for_log("create hangs"));
    server.signal_worker(second, SIGKILL);
    ASSERT_TRUE(server.wait_for_log("is on probation"));
    if (another_waits) {
      put("version_two");
      server.signal(SIGHUP);
    }
    ASSERT_TRUE(server.wait_for_log("app \"app\": generation 4 is running"));
    if (another_waits) {
      EXPECT_TRUE(server.wait_for_log("app \"app\": generation 5 is running"));
    }
    EXPECT_EQ(ask(server), another_waits ? "app 5 two" : "app 4 one");
    put("version_one");
  }
}

// A reload of another app is under way when a generation crashes.
TEST(Probation, LosesTheGoodGenerationToNoReload) {
  const TempDir folder;
  const std::string plugin = folder / "plugin.so";
  const std::string slow = folder / "slow.so";
  fs::copy_file(fixture_file("version_one"), plugin);
  fs::copy_file(fixture_file("version_one"), slow);
  Server server({versioned(plugin, "reload: {probation: 1m, crashes: 1}\n"),
                 {.name = "slow", .plugin = slow, .more = "timeouts: {start: 3s}\n"}});
  server.start();
  fs::remove(plugin);
  fs::copy_file(fixture_file("version_two"), plugin);
  fs::remove(slow);
  fs::copy_file(fixture_file("create_hangs"), slow);
  server.expect_error("app \"slow\": * failed at CREATED: not reached within timeouts.start*; generation 1 stays");
  server.expect_error("exited with status 0 with GET \"/leave\" since * s; answered 502");
  server.expect_error("is on probation (reload.probation), and * crashed");
  server.expect_error("is taken back; generation 3 is to be what 1 was");
  server.expect_error("is taken back; generation 5 is to be what 3 was");
  const auto leave = [&] { return fetch(server.listener("app"), ScgiRequest::get("/leave")).complete(502); };

  server.signal(SIGHUP);
  ASSERT_TRUE(server.wait_for_log("app \"app\": generation 2 is running"));
  EXPECT_TRUE(leave());
  ASSERT_TRUE(server.wait_for_log("app \"app\": generation 3 is running"));
  EXPECT_EQ(server.log().find("failed at CREATED"), std::string::npos) << "it does not wait for the other app";
  server.signal(SIGHUP);
  ASSERT_TRUE(server.wait_for_log("app \"app\": generation 4 is running", 4 * kPatience));
  EXPECT_EQ(ask(server), "app 4 two") << "as the file says";
  EXPECT_TRUE(leave());
  EXPECT_TRUE(eventually([&] { return server.reloads().size() == 4; }, 4 * kPatience));
  EXPECT_EQ(ask(server), "app 5 one");
}

}  // namespace
}  // namespace harness
