// fork fails. What lives goes on serving, tries come with a growing pause, 503 where no worker lives at all,
// and the app recovers by itself.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <vector>

#include "harness/faults.h"
#include "harness/processes.h"
#include "harness/scgi_request.h"
#include "harness/site.h"
#include "harness/stop_point.h"

namespace harness {
namespace {

// The pause after a failed start is 5 s at most.
constexpr milliseconds kRecovery = seconds(10);

class ForkFaults : public testing::TestWithParam<int> {
 protected:
  static void expect_error(Server& server, const std::string& app) {
    server.expect_error(fmt::format("app \"{}\": a worker could not be started: fork: {}", app, reason()));
  }
  static void expect_degraded(Server& server, const std::string& app) {
    server.expect_error(
        fmt::format("app \"{}\": degraded: no worker lives and the last one could not start; answering 503", app));
  }
  // Before the first worker, the server looks up the user of each app, which is its own where it is not root, in a
  // process that is thrown away.
  static unsigned look_ups(unsigned apps) { return apps; }
  static std::string reason() { return strerrordesc_np(GetParam()); }

  static Site::Headers stop_at(const char* point, const StopPoint& stop_point) {
    return {{"X-Stop", point}, {"X-Control", stop_point.path()}};
  }
};

INSTANTIATE_TEST_SUITE_P(By, ForkFaults, testing::Values(EAGAIN, ENOMEM),
                         [](const auto& test) { return std::string(strerrorname_np(test.param)); });

TEST_P(ForkFaults, OfTheOnlyAppAtTheStartEndTheServer) {
  Server server({App{.name = "hello", .plugin = plugin_file("hello")}});
  Faults faults(server);
  faults.fail(SHIM_FORK, GetParam(), {.after = look_ups(1)});
  expect_error(server, "hello");
  expect_degraded(server, "hello");
  server.expect_error("could not start: no app could be started");
  server.launch();
  EXPECT_EQ(server.wait(), ExitStatus::exited(1));
}

TEST_P(ForkFaults, OfOneAppAtTheStartAreMadeUpFor) {
  Server server({{.name = "late", .plugin = plugin_file("hello")}, {.name = "good", .plugin = plugin_file("hello")}});
  Faults faults(server);
  faults.fail(SHIM_FORK, GetParam(), {.after = look_ups(2), .count = 1});
  expect_error(server, "late");
  expect_degraded(server, "late");
  server.expect_workers("late", 1);
  server.start();
  for (const char* app : {"good", "late"}) {
    EXPECT_TRUE(fetch(server.listener(app), ScgiRequest::get("/")).complete(200)) << app;
  }
}

TEST_P(ForkFaults, LeaveAnAppWithFewerWorkersUntilTheyAreOver) {
  Server server({App{.name = "hello", .plugin = plugin_file("hello"), .more = "workers: {min: 3, max: 3}"}});
  Faults faults(server);
  faults.fail(SHIM_FORK, GetParam(), {.after = look_ups(1) + 1});
  expect_error(server, "hello");
  server.expect_workers("hello", 1);
  server.start();
  EXPECT_TRUE(fetch(server.listener("hello"), ScgiRequest::get("/")).complete(200));
  faults.clear();
  server.expect_workers("hello", 3);
  EXPECT_TRUE(server.at_rest(kRecovery));
}

TEST_P(ForkFaults, WhileItGrowsLeaveTheWorkToThoseThatLive) {
  Site site(Road::kTcp, "workers: {min: 1, max: 2}\n");
  expect_error(site.server(), "app");
  site.faults().fail(SHIM_FORK, GetParam());
  StopPoint stop_point;
  Site::Asked first = site.ask("/first", stop_at("before", stop_point), {});
  Stopped worker = stop_point.wait();
  Site::Asked second = site.ask("/second", {}, {});
  ASSERT_TRUE(eventually([&] { return site.faults().failed(SHIM_FORK) >= 3; }));
  worker.go_on();
  for (Site::Asked* asked : {&first, &second}) EXPECT_EQ(writer_of_whole_page(asked->response()), worker.pid());

  site.faults().clear();
  std::vector<Site::Asked> asked;
  for (int i = 0; i < 2; ++i) asked.push_back(site.ask("/two", stop_at("before", stop_point), {}));
  std::vector<Stopped> stopped;
  for (int i = 0; i < 2; ++i) stopped.push_back(stop_point.wait(kRecovery));
  for (Stopped& one : stopped) one.go_on();
  for (Site::Asked& one : asked) EXPECT_NE(writer_of_whole_page(one.response()), 0);
}

TEST_P(ForkFaults, AfterTheLastWorkersDeathAre503UntilTheyAreOver) {
  Server server({App{.name = "hello", .plugin = plugin_file("hello"), .more = "workers: {min: 1, max: 1}"}});
  Faults faults(server);
  server.start();
  expect_error(server, "hello");
  expect_degraded(server, "hello");
  server.expect_error("died of signal 9 (Killed) while idle");

  faults.fail(SHIM_FORK, GetParam());
  const pid_t worker = children_of(server.pid()).at(0).pid;
  const auto begin = std::chrono::steady_clock::now();
  server.signal_worker(worker, SIGKILL);
  ASSERT_TRUE(wait_until_gone(worker));
  const auto answer = [&] { return fetch(server.listener("hello"), ScgiRequest::get("/")); };
  // Whether somebody asks or not, tries come after pauses of 0.1, 0.2, 0.4 ... s.
  const auto four_tries = [&] {
    const Response response = answer();
    EXPECT_TRUE(response.complete(503)) << response;
    EXPECT_THAT(response.header("Retry-After").value_or(""), testing::MatchesRegex("[1-5]"));
    return HasFailure() || faults.failed(SHIM_FORK) >= 4;
  };
  ASSERT_TRUE(eventually(four_tries));
  EXPECT_GE(std::chrono::steady_clock::now() - begin, milliseconds(700));

  faults.clear();
  EXPECT_TRUE(eventually([&] { return answer().complete(200); }, kRecovery));
}

// It has begun to be a worker, and cannot go on.
TEST(WorkerThatIsBorn, WithoutADescriptorLeftIsAFailureOfItsFirstStepAndTriedAgain) {
  Server server({App{.name = "hello", .plugin = plugin_file("hello"), .more = "workers: {min: 2, max: 2}"}});
  Faults faults(server);
  server.start();
  server.expect_error("died of signal 9 (Killed) while idle");
  server.expect_error("app \"hello\": generation 1 failed at FORKED: open /dev/null: Too many open files");
  faults.fail(SHIM_OPEN, EMFILE, {.count = 1, .places = SHIM_WORKERS});
  const pid_t worker = children_of(server.pid()).at(0).pid;
  server.signal_worker(worker, SIGKILL);
  ASSERT_TRUE(wait_until_gone(worker));
  EXPECT_TRUE(fetch(server.listener("hello"), ScgiRequest::get("/")).complete(200));
  ASSERT_TRUE(eventually([&] { return faults.failed(SHIM_OPEN) == 1; }));
  EXPECT_TRUE(server.at_rest(kRecovery));
}

}  // namespace
}  // namespace harness
