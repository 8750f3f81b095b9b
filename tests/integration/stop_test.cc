// TERM, QUIT and INT: what has been asked is answered, what hangs is ended, nothing is left. (Server::stop and the
// destructor of Server look for processes, socket paths and files that have outlived it.)
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <thread>

#include "harness/freeze.h"
#include "harness/processes.h"
#include "harness/scgi_request.h"
#include "harness/site.h"
#include "harness/stop_point.h"

namespace harness {
namespace {

using testing::HasSubstr;

class Stop : public testing::TestWithParam<Road> {
 protected:
  Site::Headers stop_at(const char* point) { return {{"X-Stop", point}, {"X-Control", stop_point_.path()}}; }

  static void expect_clean_end(Site& site, milliseconds patience = kPatience) {
    site.server().skip_rest("it is stopped in the middle of its work");
    EXPECT_EQ(site.server().wait(patience), ExitStatus::exited(0));
    EXPECT_THAT(site.server().log(), HasSubstr("info    stopped"));
  }

  StopPoint stop_point_;
};

INSTANTIATE_TEST_SUITE_P(By, Stop, testing::Values(Road::kTcp, Road::kUnix), testing::PrintToStringParamName());

TEST_P(Stop, FinishesWhatIsInFlightAndInTheQueue) {
  for (const int signal : {SIGTERM, SIGQUIT, SIGINT}) {
    Site site(GetParam(), "workers: {min: 2, max: 2}\n");
    std::vector<Site::Asked> asked;
    for (int i = 0; i < 4; ++i) asked.push_back(site.ask("/in-flight", stop_at("first"), pattern_body(1000)));
    std::vector<Stopped> stopped;
    for (int i = 0; i < 2; ++i) stopped.push_back(stop_point_.wait());
    site.server().signal(signal);
    ASSERT_TRUE(site.server().wait_for_log(": stopping"));
    // The line comes first, and a client may still come in between.
    EXPECT_TRUE(eventually([&] { return !connect_to(site.server().listener("app")); })) << "it was to stop listening";
    for (Stopped& worker : stopped) worker.go_on();
    for (int i = 0; i < 2; ++i) stop_point_.wait().go_on();
    for (Site::Asked& request : asked) {
      const Response response = request.response();
      EXPECT_NE(writer_of_whole_page(response), 0) << response;
    }
    expect_clean_end(site);
  }
}

TEST_P(Stop, AnswersEverybodyWhoHasAskedBeforeIt) {
  Site site(GetParam(), "workers: {min: 2, max: 2}\n");
  const Endpoint& endpoint = site.server().listener("app");
  ASSERT_NE(writer_of_whole_page(site.ask("/warm", {}, {}).response()), 0);
  // Accepted while they are silent: the next request is accepted behind them.
  std::vector<Connection> accepted;
  for (int i = 0; i < 10; ++i) accepted.push_back(Connection::to(endpoint));
  ASSERT_NE(writer_of_whole_page(site.ask("/warm", {}, {}).response()), 0);

  const ScgiRequest request = ScgiRequest::get("/asked");
  std::vector<Connection> waiting;
  {
    const Freeze freeze(site.server());
    for (Connection& connection : accepted) ASSERT_TRUE(connection.send(request.head()));
    for (int i = 0; i < 10; ++i) {
      waiting.push_back(Connection::to(endpoint));
      ASSERT_TRUE(waiting.back().send(request.head()));
    }
    site.server().signal(SIGTERM);
  }
  for (auto* connections : {&accepted, &waiting}) {
    for (Connection& connection : *connections) {
      const Response response = connection.receive(request.reader());
      EXPECT_NE(writer_of_whole_page(response), 0)
          << (connections == &accepted ? "accepted before: " : "in the backlog: ") << response;
    }
  }
  expect_clean_end(site);
}

TEST_P(Stop, UnderLoadLosesNothing) {
  using Time = std::chrono::steady_clock::time_point;
  Site site(GetParam(), "workers: {min: 2, max: 4}\n");
  const Endpoint endpoint = site.server().listener("app");
  const ScgiRequest request = ScgiRequest::get("/load");
  std::atomic<int> answers = 0;
  std::atomic<Time> stopped = Time::max();
  std::vector<std::thread> clients;
  for (int i = 0; i < 8; ++i) {
    clients.emplace_back([&] {
      while (!testing::Test::HasFailure()) {
        UniqueFd fd = connect_to(endpoint);
        if (!fd) {
          EXPECT_NE(stopped.load(), Time::max()) << "nobody listens";
          return;
        }
        Connection connection(std::move(fd));
        connection.send(request.head());
        const Time sent = std::chrono::steady_clock::now();
        const Response response = connection.receive(request.reader());
        // Who sends it later may find the connection closed, as it has not said anything; or reset, as nobody has
        // accepted it between the master's last accept and the end of its listener.
        const bool not_begun =
            response.raw_head.empty() && (response.outcome == Outcome::kEmpty || response.outcome == Outcome::kAborted);
        if (not_begun && sent >= stopped.load()) return;
        EXPECT_NE(writer_of_whole_page(response), 0) << response;
        ++answers;
      }
    });
  }
  EXPECT_TRUE(eventually([&] { return answers >= 100; }));
  stopped = std::chrono::steady_clock::now();
  site.server().signal(SIGTERM);
  for (std::thread& client : clients) client.join();
  expect_clean_end(site);
}

TEST_P(Stop, IsNotHeldBySilentConnections) {
  Site site(GetParam(), "workers: {min: 1, max: 1}\ntimeouts: {head: 60s, stop: 60s}\n");
  std::vector<Connection> silent;
  for (int i = 0; i < 5; ++i) silent.push_back(Connection::to(site.server().listener("app")));
  ASSERT_NE(writer_of_whole_page(site.ask("/warm", {}, {}).response()), 0);
  site.server().signal(SIGTERM);
  expect_clean_end(site);
  const ScgiRequest request = ScgiRequest::get("/");
  for (Connection& connection : silent) EXPECT_EQ(connection.receive(request.reader()).outcome, Outcome::kEmpty);
}

TEST_P(Stop, WaitsForAHeadThatHasBegun) {
  Site site(GetParam(), "workers: {min: 1, max: 1}\n");
  const ScgiRequest request = ScgiRequest::get("/begun");
  Connection begun = Connection::to(site.server().listener("app"));
  ASSERT_TRUE(begun.send(request.head().substr(0, 20)));
  ASSERT_NE(writer_of_whole_page(site.ask("/warm", {}, {}).response()), 0);
  site.server().signal(SIGTERM);
  ASSERT_TRUE(site.server().wait_for_log(": stopping"));
  ASSERT_TRUE(begun.send(request.head().substr(20)));
  const Response response = begun.receive(request.reader());
  EXPECT_NE(writer_of_whole_page(response), 0) << response;
  expect_clean_end(site);
}

TEST_P(Stop, GivesAnIncompleteHeadUntilTimeoutsStop) {
  Site site(GetParam(), "timeouts: {head: 60s, stop: 700ms}\n");
  const ScgiRequest request = ScgiRequest::get("/never");
  Connection half = Connection::to(site.server().listener("app"));
  ASSERT_TRUE(half.send(request.head().substr(0, 20)));
  ASSERT_NE(writer_of_whole_page(site.ask("/warm", {}, {}).response()), 0);
  site.server().signal(SIGTERM);
  const Response response = half.receive(request.reader());
  EXPECT_TRUE(response.complete(408)) << response;
  half.close();
  expect_clean_end(site);
}

TEST_P(Stop, KillsAHangingWorkerAtTimeoutsStop) {
  Site site(GetParam(), "workers: {min: 2, max: 2}\ntimeouts: {stop: 700ms}\n");
  site.server().expect_error("killed by timeouts.stop with POST \"/hangs\" since * s; answered 504");
  site.server().expect_error(
      "killed by timeouts.stop with POST \"/hangs-late\" since * s; part of the response was sent");
  Site::Asked hanging = site.ask("/hangs", stop_at("before"), {});
  Stopped worker = stop_point_.wait();
  worker.ignore_signals();
  Site::Asked late = site.ask("/hangs-late", stop_at("first"), {});
  const Stopped other = stop_point_.wait();
  const auto begin = std::chrono::steady_clock::now();
  site.server().signal(SIGTERM);
  const Response response = hanging.response();
  EXPECT_TRUE(response.complete(504)) << response;
  EXPECT_GE(std::chrono::steady_clock::now() - begin, milliseconds(700));
  EXPECT_EQ(late.response().outcome, Outcome::kAborted);
  expect_clean_end(site);
  EXPECT_TRUE(wait_until_gone(worker.pid()) && wait_until_gone(other.pid()));
}

TEST_P(Stop, TheSecondTimeEndsAtOnce) {
  for (const int second : {SIGTERM, SIGQUIT, SIGINT}) {
    Site site(GetParam(), "workers: {min: 1, max: 1}\ntimeouts: {stop: 60s, head: 60s}\n");
    site.server().expect_error("killed, as the server stops at once with POST \"/hangs\" since * s; answered 504");
    site.server().skip_rest("it is stopped in the middle of its work");
    Site::Asked hanging = site.ask("/hangs", stop_at("before"), {});
    const Stopped worker = stop_point_.wait();
    Site::Asked queued = site.ask("/queued", {}, {});
    Connection begun = Connection::to(site.server().listener("app"));
    ASSERT_TRUE(begun.send("20"));
    site.server().signal(SIGTERM);
    ASSERT_TRUE(site.server().wait_for_log(": stopping"));
    site.server().signal(second);
    EXPECT_EQ(site.server().wait(), ExitStatus::exited(0));
    const Response response = hanging.response();
    EXPECT_TRUE(response.complete(504)) << response;
    EXPECT_TRUE(queued.response().complete(503));
    EXPECT_TRUE(wait_until_gone(worker.pid()));
  }
}

class StopDuringTheStart : public testing::TestWithParam<int> {};

TEST_P(StopDuringTheStart, EndsTheServerWithinTimeoutsStop) {
  Server server({App{.name = "app",
                     .plugin = fixture_file("create_hangs"),
                     .listen = {"unix:app.sock"},
                     .more = "timeouts: {start: 60s, stop: 700ms}\n"}});
  server.skip_rest("it is stopped while it starts");
  server.launch();
  ASSERT_TRUE(server.wait_for_log("create hangs"));
  EXPECT_EQ(server.stop(GetParam(), kPatience), ExitStatus::exited(0));
  EXPECT_FALSE(connect_to(Endpoint::parse("unix:" + (server.folder() / "app.sock"))));
}

INSTANTIATE_TEST_SUITE_P(By, StopDuringTheStart, testing::Values(SIGTERM, SIGQUIT, SIGINT));

}  // namespace
}  // namespace harness
