// What clients and other apps do that keep an app from nothing: silence, dribbling, lingering, hanging, crashing.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/resource.h>

#include <vector>

#include "harness/processes.h"
#include "harness/scgi_request.h"
#include "harness/server.h"

namespace harness {
namespace {

using testing::HasSubstr;

constexpr std::size_t kSilent = 1000;
constexpr std::size_t kDribbling = 1000;
constexpr std::size_t kLingering = 200;

class Immunity : public testing::TestWithParam<const char*> {
 protected:
  static void SetUpTestSuite() {
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
};

INSTANTIATE_TEST_SUITE_P(On, Immunity, testing::Values("127.0.0.1:0", "unix:app.sock"),
                         [](const auto& listen) { return listen.index == 0 ? "Tcp" : "Unix"; });

TEST_P(Immunity, SilentDribblingAndLingeringConnectionsHoldNobodyUp) {
  // The head timeout is longer than the crowd takes to come, on a busy machine and with sanitizers.
  Server server({App{.name = "app",
                     .plugin = plugin_file("hello"),
                     .listen = {GetParam()},
                     .more = "workers: {min: 2, max: 2}\ntimeouts: {head: 4s}\n"}});
  server.start();
  const Endpoint& endpoint = server.listener("app");
  const std::string head = ScgiRequest::get("/slow").head();
  const auto expect_answer = [&](std::string_view while_what) {
    const Response response = fetch(endpoint, ScgiRequest::get("/"));
    EXPECT_TRUE(response.complete(200)) << while_what << ": " << response;
  };

  std::vector<Connection> silent;
  for (std::size_t i = 0; i < kSilent; ++i) silent.push_back(Connection::to(endpoint));
  expect_answer("1000 are silent");
  const std::size_t rss_kb = own_memory_kb_of(server.pid());

  std::vector<Connection> dribbling;
  for (std::size_t i = 0; i < kDribbling; ++i) {
    dribbling.push_back(Connection::to(endpoint));
    ASSERT_TRUE(dribbling.back().send(head.substr(0, 5 + i % 10)));
    if (i % 100 == 0) expect_answer("some dribble");
  }
  std::vector<Connection> lingering;
  for (std::size_t i = 0; i < kLingering; ++i) {
    lingering.push_back(Connection::to(endpoint));
    ASSERT_TRUE(lingering.back().send(head + "more than was announced"));
    if (i % 20 == 0) expect_answer("some linger");
  }
  for (Connection& connection : dribbling) EXPECT_TRUE(connection.send(head.substr(15, 1)));
  expect_answer("all do");
  // 2,000 more buffers of 4 KiB would be 8 MB; the dribbling 1,000 are half of it.
  EXPECT_LT(own_memory_kb_of(server.pid()), rss_kb + 8 * 1024) << "silent connections cost no buffer";

  const ScgiRequest request = ScgiRequest::get("/slow");
  for (Connection& connection : silent) EXPECT_TRUE(connection.receive(request.reader()).complete(408));
  for (Connection& connection : dribbling) EXPECT_TRUE(connection.receive(request.reader()).complete(408));
  for (Connection& connection : lingering) EXPECT_TRUE(connection.receive(request.reader()).complete(200));
}

// Of 1,200 heads that have begun and have buffers of 4 KiB, 1 MB holds 256.
TEST_P(Immunity, PastLimitsReceptionTheOldestIncompleteHeadMakesRoom) {
  Server server({App{.name = "app",
                     .plugin = plugin_file("hello"),
                     .listen = {GetParam()},
                     .more = "workers: {min: 1, max: 1}\ntimeouts: {head: 20s}\n"}},
                "limits: {reception: 1M}\n");
  server.start();
  const ScgiRequest request = ScgiRequest::get("/slow");
  std::vector<Connection> begun;
  for (std::size_t i = 0; i < 300; ++i) {
    begun.push_back(Connection::to(server.listener("app")));
    ASSERT_TRUE(begun.back().send(request.head().substr(0, 20)));
  }
  EXPECT_TRUE(begun.front().receive(request.reader()).complete(503));
  EXPECT_TRUE(server.wait_for_log("hold more than limits.reception; the oldest is answered 503"));
  EXPECT_TRUE(fetch(server.listener("app"), request).complete(200));
  ASSERT_TRUE(begun.back().send(request.head().substr(20)));
  EXPECT_TRUE(begun.back().receive(request.reader()).complete(200)) << "the youngest is served";
}

// Its first digit takes 4 KiB; what the length then turns out to be would take 64 KiB.
TEST_P(Immunity, WhereTheOldestItselfWantsMoreNobodyElseMakesRoom) {
  Server server({App{.name = "app",
                     .plugin = plugin_file("hello"),
                     .listen = {GetParam()},
                     .more = "workers: {min: 1, max: 1}\ntimeouts: {head: 20s}\n"}},
                "limits: {reception: 1M}\n");
  server.start();
  const ScgiRequest request = ScgiRequest::get("/slow");
  Connection oldest = Connection::to(server.listener("app"));
  ASSERT_TRUE(oldest.send("6"));
  // The master has seen it once a request that came later is answered.
  ASSERT_TRUE(fetch(server.listener("app"), request).complete(200));
  std::vector<Connection> younger;
  for (std::size_t i = 0; i < 250; ++i) {
    younger.push_back(Connection::to(server.listener("app")));
    ASSERT_TRUE(younger.back().send(request.head().substr(0, 20)));
  }
  ASSERT_TRUE(fetch(server.listener("app"), request).complete(200));
  ASSERT_TRUE(oldest.send("0000:CONTENT_LENGTH"));
  EXPECT_TRUE(oldest.receive(request.reader()).complete(503));
  for (Connection& connection : younger) {
    ASSERT_TRUE(connection.send(request.head().substr(20)));
    const Response response = connection.receive(request.reader());
    EXPECT_TRUE(response.complete(200)) << response;
  }
}

TEST(Isolation, OfThreeAppsOneHangsAndOneCrashLoopsAndTheThirdAnswersAllTheTime) {
  const std::string two = "workers: {min: 2, max: 2}\n";
  Server server({{.name = "hangs", .plugin = fixture_file("hangs"), .more = two + "timeouts: {request: 1s}\n"},
                 {.name = "loops", .plugin = fixture_file("constructor_crashes")},
                 {.name = "fine", .plugin = plugin_file("hello"), .more = two}});
  server.expect_error("app \"hangs\" generation 1 worker *: killed by timeouts.request with GET");
  server.expect_error("app \"loops\": generation * failed at LOADED");
  server.expect_error("app \"loops\": degraded");
  server.expect_workers("loops", 0);
  server.start();
  std::vector<Connection> hanging;
  const ScgiRequest request = ScgiRequest::get("/");
  for (int i = 0; i < 4; ++i) {
    hanging.push_back(Connection::to(server.listener("hangs")));
    ASSERT_TRUE(hanging.back().send(request.head()));
  }
  const Deadline deadline(seconds(3));
  int answered = 0;
  while (!deadline.passed()) {
    const Response fine = fetch(server.listener("fine"), request, milliseconds(500));
    ASSERT_TRUE(fine.complete(200)) << fine;
    ++answered;
    if (answered % 50 == 0) {
      const Response loops = fetch(server.listener("loops"), request, milliseconds(500));
      ASSERT_TRUE(loops.complete(503)) << loops;
    }
  }
  EXPECT_GT(answered, 50);
  for (Connection& connection : hanging) EXPECT_TRUE(connection.receive(request.reader()).complete(504));
}

TEST(Deaths, AThousandInARowLeaveNothing) {
  Server server({{.name = "app", .plugin = fixture_file("crashes"), .more = "workers: {min: 2, max: 2}\n"}});
  server.expect_error("died of signal 11 * with GET \"/crash\" *answered 502", 1000);
  server.start();
  for (int i = 0; i < 1000; ++i) {
    const Response response = fetch(server.listener("app"), ScgiRequest::get("/crash"));
    ASSERT_TRUE(response.complete(502)) << i << ": " << response;
  }
}

}  // namespace
}  // namespace harness
