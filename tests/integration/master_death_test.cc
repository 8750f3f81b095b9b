// The master is killed, or crashes. Its workers finish what they have begun, those that hang go within timeouts.stop,
// and the next server takes the same addresses at once.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <thread>
#include <tuple>

#include "harness/processes.h"
#include "harness/scgi_request.h"
#include "harness/serve.h"
#include "harness/site.h"
#include "harness/stop_point.h"

namespace harness {
namespace {

class MasterDeath : public testing::TestWithParam<std::tuple<Road, int>> {
 protected:
  Site::Asked ask_and_stop(const Site& site, const char* point) const {
    return site.ask("/in-flight", {{"X-Stop", point}, {"X-Control", stop_point_.path()}}, pattern_body(1000));
  }

  static void kill_master(Site& site) {
    const int signal = std::get<1>(GetParam());
    site.server().skip_rest("its master dies");
    site.server().signal(signal);
    EXPECT_EQ(site.server().wait(), ExitStatus::killed(signal));
  }

  // A server on the very address of the dead one, which therefore nobody may hold any more.
  static void expect_next_server(Site& site) {
    const Endpoint& endpoint = site.server().listener("app");
    std::string yaml = read_file(site.server().config_file());
    constexpr std::string_view kAnyPort = "127.0.0.1:0";
    if (const auto at = yaml.find(kAnyPort); at != yaml.npos) yaml.replace(at, kAnyPort.size(), endpoint.to_string());
    write_file(site.server().config_file(), yaml);
    Serve next({.file = site.server().config_file(), .output = site.server().folder() / "next"});
    EXPECT_TRUE(next.ready()) << next.output();
    EXPECT_NE(writer_of_whole_page(fetch(endpoint, ScgiRequest::get("/"))), 0);
    EXPECT_TRUE(next.child().signal(SIGTERM));
    EXPECT_EQ(next.child().wait(seconds(20)), ExitStatus::exited(0));
  }

  StopPoint stop_point_;
};

INSTANTIATE_TEST_SUITE_P(By, MasterDeath,
                         testing::Combine(testing::Values(Road::kTcp, Road::kUnix), testing::Values(SIGKILL, SIGSEGV)),
                         [](const auto& test) {
                           return fmt::format("{}{}", testing::PrintToString(std::get<0>(test.param)),
                                              sigabbrev_np(std::get<1>(test.param)));
                         });

TEST_P(MasterDeath, LetsWorkersFinishAndTheNextServerBegin) {
  Site site(std::get<0>(GetParam()), "workers: {min: 2, max: 2}\ntimeouts: {stop: 60s}\n");
  Site::Asked in_flight = ask_and_stop(site, "first");
  Stopped worker = stop_point_.wait();
  const auto workers = children_of(site.server().pid());
  kill_master(site);
  for (const Process& other : workers) {
    EXPECT_TRUE(other.pid == worker.pid() || wait_until_gone(other.pid)) << "an idle worker has nothing to finish";
  }
  expect_next_server(site);
  worker.go_on();
  EXPECT_EQ(writer_of_whole_page(in_flight.response()), worker.pid());
  EXPECT_TRUE(wait_until_gone(worker.pid()));
}

TEST_P(MasterDeath, LetsWorkersEndTheirDeferredWork) {
  Site site(std::get<0>(GetParam()), "workers: {min: 1, max: 1}\ntimeouts: {stop: 60s}\n");
  EXPECT_NE(writer_of_whole_page(ask_and_stop(site, "deferred").response()), 0);
  Stopped worker = stop_point_.wait();
  kill_master(site);
  EXPECT_TRUE(find_process(worker.pid()));
  worker.go_on();
  EXPECT_TRUE(wait_until_gone(worker.pid()));
  expect_next_server(site);
}

TEST_P(MasterDeath, EndsWorkersThatHangAtTimeoutsStop) {
  Site site(std::get<0>(GetParam()), "workers: {min: 1, max: 1}\ntimeouts: {stop: 700ms}\n");
  Site::Asked hanging = ask_and_stop(site, "first");
  const Stopped worker = stop_point_.wait();
  const auto begin = std::chrono::steady_clock::now();
  kill_master(site);
  EXPECT_TRUE(wait_until_gone(worker.pid()));
  EXPECT_GE(std::chrono::steady_clock::now() - begin, milliseconds(700));
  EXPECT_NE(hanging.response().outcome, Outcome::kTimeout);
  expect_next_server(site);
}

// In each of its steps, also before it has become another user, which is behind the wait for a file that is written.
class MasterDeathInAStart : public testing::Test {
 protected:
  void expect_nothing_left(const std::string& plugin) {
    Server server({{.name = "app", .plugin = plugin, .more = "timeouts: {start: 60s, stop: 500ms}\n"}});
    server.skip_rest("its master dies");
    server.launch();
    std::vector<Process> workers;
    ASSERT_TRUE(eventually([&] {
      workers = children_of(server.pid());
      return workers.size() == 1 && workers[0].name == "fl:app" && is_asleep(workers[0].pid);
    }));
    server.signal(SIGKILL);
    EXPECT_EQ(server.wait(), ExitStatus::killed(SIGKILL));
    EXPECT_TRUE(wait_until_gone(workers[0].pid));
    std::filesystem::remove_all(server.folder() / "run");  // as the next server would
  }
};

TEST_F(MasterDeathInAStart, LeavesNoWorkerInCreate) {
  expect_nothing_left(fixture_file("create_hangs"));
}

TEST_F(MasterDeathInAStart, LeavesNoWorkerInAConstructor) {
  expect_nothing_left(fixture_file("constructor_hangs"));
}

TEST_F(MasterDeathInAStart, LeavesNoWorkerThatWaitsForItsFile) {
  const TempDir folder;
  const std::string file = folder / "grows.so";
  std::atomic<bool> is_written = true;
  std::thread writer([&] {
    for (std::string text(8000, 'x'); is_written; text += 'x') {
      write_file(file, text);
      std::this_thread::sleep_for(milliseconds(5));
    }
  });
  ASSERT_TRUE(eventually([&] { return std::filesystem::exists(file); }));
  expect_nothing_left(file);
  is_written = false;
  writer.join();
}

}  // namespace
}  // namespace harness
