// Apps whose plugins don't start: the log says at which step and why, once; other apps don't notice.
#include <Poco/JSON/Array.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <ostream>
#include <sstream>
#include <thread>

#include "harness/command.h"
#include "harness/processes.h"
#include "harness/scgi_request.h"
#include "harness/server.h"

namespace harness {
namespace {

using testing::HasSubstr;

// Two starts may hang, each for timeouts.start.
constexpr milliseconds kStartPatience = seconds(10);

struct Failure {
  const char* name;                         // of the fixture, or of the test where it uses none
  const char* step;                         // that is not reached
  const char* reason;                       // a part of it
  void (*make)(const std::string& path){};  // the file, where it is no fixture
};

std::ostream& operator<<(std::ostream& out, const Failure& failure) {
  return out << failure.name;
}

// A copy of a good plugin with other bytes, as old as if it had been there for long.
void install_changed(const std::string& path, void (*change)(std::string& bytes)) {
  std::string bytes = read_file(plugin_file("hello"));
  change(bytes);
  write_file(path, bytes);
  std::filesystem::last_write_time(path, std::filesystem::file_time_type::clock::now() - std::chrono::hours(1));
}

void make_text(const std::string& path) {
  write_file(path, "this is not a plugin\n");
}
void make_folder(const std::string& path) {
  std::filesystem::create_directory(path);
}
void make_empty(const std::string& path) {
  install_changed(path, [](std::string& bytes) { bytes.clear(); });
}
void make_truncated(const std::string& path) {
  install_changed(path, [](std::string& bytes) { bytes.resize(8000); });
}
void make_for_other_machine(const std::string& path) {
  install_changed(path, [](std::string& bytes) { bytes[18] = 22; });  // e_machine (elf(5)): EM_S390
}
void make_library(const std::string& path) {
  std::filesystem::copy_file(shim_file("faults"), path);
}

class StartFailure : public testing::TestWithParam<Failure> {
 protected:
  // An app whose plugin fails.
  App bad_app() const {
    const std::string path = folder_ / "plugin.so";
    if (GetParam().make) {
      GetParam().make(path);
    } else if (std::filesystem::exists(fixture_file(GetParam().name))) {
      std::filesystem::copy_file(fixture_file(GetParam().name), path);
    }
    const bool hangs = std::string_view(GetParam().name).ends_with("hangs");
    return {.name = "bad", .plugin = path, .more = hangs ? "timeouts: {start: 1s}\n" : ""};
  }

  static std::vector<std::string> lines_with(const std::string& log, std::string_view text) {
    std::vector<std::string> result;
    std::istringstream stream(log);
    for (std::string line; std::getline(stream, line);) {
      if (line.find(text) != line.npos) result.push_back(line);
    }
    return result;
  }

  static void expect_errors(Server& server) {
    server.expect_error(fmt::format("app \"bad\": generation * failed at {}: *{}", GetParam().step, GetParam().reason));
    server.expect_error("app \"bad\": degraded: no worker lives and the last one could not start; answering 503");
  }

  // One line says app, generation, step and reason.
  static void expect_explanation(const std::string& log) {
    const auto lines = lines_with(log, "app \"bad\": generation 1 failed at ");
    ASSERT_EQ(lines.size(), 1u) << log;
    EXPECT_THAT(lines[0], HasSubstr(std::string("failed at ") + GetParam().step + ": "));
    EXPECT_THAT(lines[0], HasSubstr(GetParam().reason));
    EXPECT_THAT(lines[0], HasSubstr(" error "));
  }

  TempDir folder_;
};

INSTANTIATE_TEST_SUITE_P(
    Of, StartFailure,
    testing::Values(Failure{"missing_file", "IMAGED", "No such file or directory"},
                    Failure{"text_file", "IMAGED", "plugin.so is not an ELF file", make_text},
                    Failure{"folder", "IMAGED", "plugin.so is a directory, not a plugin", make_folder},
                    Failure{"empty_file", "IMAGED", "plugin.so is empty", make_empty},
                    Failure{"truncated_file", "IMAGED", "plugin.so is truncated", make_truncated},
                    Failure{"other_machine", "IMAGED", "plugin.so is for s390x", make_for_other_machine},
                    Failure{"no_plugin", "CHECKED", "the plugin exports no forklift_plugin_v1", make_library},
                    Failure{"undefined_symbol", "LOADED", "nowhere_to_be_found"},
                    Failure{"other_major", "CHECKED", "forklift_plugin_v2"},
                    Failure{"newer_api", "CHECKED", "the plugin was built for version 1.1 of the plugin API"},
                    Failure{"newer_api_noted", "CHECKED", "the plugin was built for version 1.1 of the plugin API"},
                    Failure{"create_refuses", "CREATED", "no such table: orders"},
                    Failure{"create_throws_an_int", "CREATED", "create threw an exception that is no std::exception"},
                    Failure{"create_crashes", "CREATED", "died of signal 9 (Killed)"},
                    Failure{"create_exits", "CREATED", "exited with status 7"},
                    Failure{"create_hangs", "CREATED", "not reached within timeouts.start"},
                    Failure{"constructor_crashes", "LOADED", "died of signal 11 (Segmentation fault)"},
                    Failure{"constructor_exits", "LOADED", "exited with status 0"},
                    Failure{"constructor_hangs", "LOADED", "not reached within timeouts.start"}),
    testing::PrintToStringParamName());

TEST_P(StartFailure, OfTheOnlyAppEndsTheServer) {
  Server server({bad_app()});
  expect_errors(server);
  server.expect_error("could not start: no app could be started");
  server.launch();
  EXPECT_EQ(server.wait(kStartPatience), ExitStatus::exited(1));
  const std::string log = server.log();
  expect_explanation(log);
  EXPECT_EQ(lines_with(log, "could not start: no app could be started").size(), 1u);
}

TEST_P(StartFailure, BesideAGoodAppIsAnswered503UntilTheFileIsReplaced) {
  const App bad = bad_app();
  Server server({bad, {.name = "good", .plugin = plugin_file("hello")}});
  expect_errors(server);
  server.expect_workers("bad", 0);
  server.start();
  const Response unavailable = fetch(server.listener("bad"), ScgiRequest::get("/"));
  EXPECT_TRUE(unavailable.complete(503)) << unavailable;
  EXPECT_THAT(unavailable.header("Retry-After").value_or(""), testing::MatchesRegex("[1-5]"));
  EXPECT_TRUE(fetch(server.listener("good"), ScgiRequest::get("/")).complete(200));
  expect_explanation(server.log());
  EXPECT_EQ(lines_with(server.log(), "app \"bad\": degraded: ").size(), 1u);

  std::filesystem::copy_file(plugin_file("hello"), folder_ / "new");
  std::filesystem::remove(bad.plugin);
  std::filesystem::rename(folder_ / "new", bad.plugin);
  // The backoff is 5 s at most; a start that hangs takes its second first.
  const auto serves = [&] { return fetch(server.listener("bad"), ScgiRequest::get("/")).complete(200); };
  EXPECT_TRUE(eventually(serves, kStartPatience));
  server.expect_workers("bad", 1);
  EXPECT_THAT(server.log(), testing::ContainsRegex("app \"bad\": generation [0-9]+ is running"));
}

// What a plugin's note says is seen before it is opened: not even a static constructor of another version runs. Without
// a note, they do.
TEST(StartFailureOfAVersion, RunsNothingOfAPluginWithANote) {
  const TempDir folder;
  for (const char* fixture : {"newer_api_noted", "newer_api"}) {
    const std::string trace = folder / fixture;
    Server server(
        {{.name = "bad", .plugin = fixture_file(fixture), .more = fmt::format("environment: {{TRACE: {}}}\n", trace)}});
    server.expect_error(
        "app \"bad\": generation 1 failed at CHECKED: the plugin was built for version 1.1 of the plugin API");
    server.expect_error("app \"bad\": degraded");
    server.expect_error("could not start: no app could be started");
    server.launch();
    EXPECT_EQ(server.wait(kStartPatience), ExitStatus::exited(1));
    EXPECT_EQ(std::filesystem::exists(trace), std::string_view(fixture) == "newer_api") << fixture;
  }
}

// Pauses of 0.1, 0.2, 0.4 ... 5 s between the tries: as many generations as these allow, and not one more.
TEST(CrashLoop, IsSlowedByAGrowingPause) {
  const TempDir folder;
  const std::string plugin = folder / "plugin.so";
  std::filesystem::copy_file(fixture_file("constructor_crashes"), plugin);
  Server server({{.name = "loops", .plugin = plugin}, {.name = "good", .plugin = plugin_file("hello")}});
  server.expect_error("app \"loops\": generation * failed at LOADED");
  server.expect_error("app \"loops\": degraded");
  server.expect_workers("loops", 0);
  const auto begin = std::chrono::steady_clock::now();
  server.start();
  ASSERT_TRUE(server.wait_for_log("app \"loops\": generation 4 failed at LOADED"));
  EXPECT_GE(std::chrono::steady_clock::now() - begin, milliseconds(100 + 200 + 400));
  EXPECT_TRUE(fetch(server.listener("good"), ScgiRequest::get("/")).complete(200));
  ASSERT_TRUE(server.wait_for_log("app \"loops\": generation 5 failed at LOADED"));
  EXPECT_GE(std::chrono::steady_clock::now() - begin, milliseconds(100 + 200 + 400 + 800));
}

// It may have been killed by hand. Whatever dies again and again is another matter.
TEST(DeathWhileIdle, OfTheOnlyWorkerLetsRequestsWaitForTheNext) {
  Server server({{.name = "app", .plugin = plugin_file("hello"), .more = "workers: {min: 1, max: 1}\n"}});
  server.expect_error("worker * died of signal 9 (Killed) while idle");
  server.start();
  const pid_t worker = children_of(server.pid()).at(0).pid;
  server.signal_worker(worker, SIGKILL);
  ASSERT_TRUE(wait_until_gone(worker));
  EXPECT_TRUE(fetch(server.listener("app"), ScgiRequest::get("/")).complete(200));
}

// Each wave of deaths is one failure, and the pauses between them grow as those of starts that fail.
TEST(DeathWhileIdle, AgainAndAgainIsACrashLoop) {
  const TempDir folder;
  const std::string plugin = folder / "plugin.so";
  std::filesystem::copy_file(fixture_file("dies_when_ready"), plugin);
  constexpr unsigned kWorkers = 4;
  Server server({{.name = "dies", .plugin = plugin, .more = fmt::format("workers: {{min: {0}, max: {0}}}\n", kWorkers)},
                 {.name = "good", .plugin = plugin_file("hello")}});
  // On a busy machine one of them may die before it is READY.
  server.expect_error("app \"dies\"*worker * died of signal 6 (Aborted)");
  server.expect_error("app \"dies\": degraded: no worker lives and ");
  server.expect_workers("dies", 0);
  const auto begin = std::chrono::steady_clock::now();
  server.start();
  ASSERT_TRUE(server.wait_for_log("one after another has died while idle"));
  unsigned died_of_requests = 0;
  const auto unavailable = [&] {
    const Response response = fetch(server.listener("dies"), ScgiRequest::get("/"));
    died_of_requests += response.complete(502);
    return response.complete(503) && response.header("Retry-After").has_value();
  };
  EXPECT_TRUE(eventually(unavailable));
  for (const Deadline deadline(seconds(2)); !deadline.passed();) {
    ASSERT_TRUE(fetch(server.listener("good"), ScgiRequest::get("/")).complete(200));
    std::this_thread::sleep_for(milliseconds(20));
  }
  const auto app = status_of(server)->getArray("apps")->getObject(0);
  const auto lived = std::chrono::steady_clock::now() - begin;
  unsigned waves = 1;
  for (milliseconds pause(100), pauses = pause; pauses <= lived; ++waves) {
    pause = std::min<milliseconds>(2 * pause, seconds(5));
    pauses += pause;
  }
  // One that is dying may have a successor before it is reaped and its death counts.
  EXPECT_LE(app->getObject("counters")->getValue<unsigned>("forks"), 2 * waves * kWorkers + died_of_requests);

  std::filesystem::copy_file(plugin_file("hello"), folder / "new");
  std::filesystem::rename(folder / "new", plugin);
  EXPECT_EQ(server.reload(), "2 apps reloaded, 0 added, 0 removed, 0 failed");
  server.expect_workers("dies", kWorkers);
  EXPECT_TRUE(fetch(server.listener("dies"), ScgiRequest::get("/")).complete(200));
  EXPECT_TRUE(fetch(server.listener("good"), ScgiRequest::get("/")).complete(200));
}

// The plugin has served before; with `min: 0`, nothing but the app itself asks for another try.
TEST(StartFailureLater, IsTriedAgainAlsoWhereNoWorkerIsKept) {
  const TempDir folder;
  const std::string file = folder / "refuse";
  Server server({{.name = "app",
                  .plugin = fixture_file("create_refuses_while_told"),
                  .more = fmt::format("workers: {{min: 0, max: 1}}\nsettings: {{file: {}}}\n", file)}});
  server.expect_error("worker * died of signal 9 (Killed) while idle");
  server.expect_error("app \"app\": generation * failed at CREATED: */server.yaml:*:22: setting \"file\": is there");
  server.expect_error("app \"app\": degraded: no worker lives and the last one could not start; answering 503");
  server.start();
  const auto status = [&] { return fetch(server.listener("app"), ScgiRequest::get("/")).status; };
  ASSERT_EQ(status(), 200);

  write_file(file, "");
  const auto workers = children_of(server.pid());
  ASSERT_EQ(workers.size(), 1u);
  ASSERT_TRUE(eventually([&] { return is_asleep(workers[0].pid); })) << "its client has the answer before the master";
  server.signal_worker(workers[0].pid, SIGKILL);
  ASSERT_TRUE(wait_until_gone(workers[0].pid));
  ASSERT_EQ(status(), 503);

  std::filesystem::remove(file);
  EXPECT_TRUE(eventually([&] { return status() == 200; }, kStartPatience));
}

TEST_P(StartFailure, MakesTheStrictServerEnd) {
  Server server({bad_app(), {.name = "good", .plugin = plugin_file("hello")}});
  expect_errors(server);
  server.expect_error("could not start: an app could not be started (--strict)");
  server.launch({"--strict"});
  EXPECT_EQ(server.wait(kStartPatience), ExitStatus::exited(1));
  expect_explanation(server.log());
  EXPECT_EQ(lines_with(server.log(), "could not start: an app could not be started (--strict)").size(), 1u);
}

}  // namespace
}  // namespace harness
