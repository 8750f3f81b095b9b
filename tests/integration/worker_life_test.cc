// How workers come and go while nothing is wrong: surplus ones retire, others are recycled, and no request notices.
#include <Poco/JSON/Array.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <set>
#include <vector>

#include "harness/command.h"
#include "harness/processes.h"
#include "harness/scgi_request.h"
#include "harness/site.h"
#include "harness/stop_point.h"

namespace harness {
namespace {

using testing::HasSubstr;

pid_t answering_worker(const Site& site) {
  return writer_of_whole_page(site.ask("/", {}, {}).response());
}

// As many requests at the same time as there are to be workers; they stand still until they are told to go on.
void occupy_workers(Site& site, StopPoint& stop_point, std::size_t count) {
  std::vector<Site::Asked> asked;
  for (std::size_t i = 0; i < count; ++i) {
    asked.push_back(site.ask("/busy", {{"X-Stop", "before"}, {"X-Control", stop_point.path()}}, {}));
  }
  std::vector<Stopped> stopped;
  for (std::size_t i = 0; i < count; ++i) stopped.push_back(stop_point.wait());
  for (Stopped& worker : stopped) worker.go_on();
  for (Site::Asked& one : asked) EXPECT_TRUE(one.response().complete(200));
}

TEST(WorkerLife, ASurplusWorkerThatIdlesRetiresAndTheLowestStays) {
  StopPoint stop_point;
  Site site(Road::kTcp, "workers: {min: 1, max: 3, idle_timeout: 300ms}\n");
  const pid_t lowest = answering_worker(site);
  occupy_workers(site, stop_point, 3);
  EXPECT_EQ(children_of(site.server().pid()).size(), 3u);
  EXPECT_TRUE(eventually([&] { return children_of(site.server().pid()).size() == 1; }));
  EXPECT_EQ(answering_worker(site), lowest);
}

TEST(WorkerLife, WithMinZeroTheLastWorkerRetiresAndTheNextRequestStartsOne) {
  Site site(Road::kTcp, "workers: {min: 0, max: 1, idle_timeout: 200ms}\n");
  site.server().expect_workers("app", 0);
  ASSERT_TRUE(eventually([&] { return children_of(site.server().pid()).empty(); }));
  EXPECT_NE(answering_worker(site), 0);
  EXPECT_TRUE(eventually([&] { return children_of(site.server().pid()).empty(); }));
}

TEST(WorkerLife, AWorkerAnswersExactlyMaxRequestsWithoutJitter) {
  const Site site(Road::kTcp, "workers: {min: 1, max: 1, max_requests: 3, jitter: 0%}\n");
  std::vector<pid_t> answered;
  for (int i = 0; i < 9; ++i) answered.push_back(answering_worker(site));
  EXPECT_EQ(std::set(answered.begin(), answered.end()).size(), 3u) << testing::PrintToString(answered);
  for (std::size_t i = 0; i < 9; ++i) EXPECT_EQ(answered[i], answered[i / 3 * 3]) << testing::PrintToString(answered);
  EXPECT_EQ(std::count(answered.begin(), answered.end(), 0), 0);
}

// So that those that were started together do not leave together.
TEST(WorkerLife, AWorkerAnswersFewerThanMaxRequestsByItsOwnJitter) {
  const Site site(Road::kTcp, "workers: {min: 1, max: 1, max_requests: 20, jitter: 50%}\n");
  constexpr std::size_t kLives = 12;
  std::vector<int> lives;  // requests of each worker, one after another
  for (pid_t last = 0; lives.size() <= kLives;) {
    const pid_t now = answering_worker(site);
    ASSERT_NE(now, 0);
    if (now != last) lives.push_back(0);
    ++lives.back();
    last = now;
  }
  lives.pop_back();  // it has just begun
  EXPECT_THAT(lives, testing::Each(testing::AllOf(testing::Ge(10), testing::Le(20))));
  EXPECT_GT(std::set(lives.begin(), lives.end()).size(), 1u) << testing::PrintToString(lives);
}

TEST(WorkerLife, AReplacementStartsWhileTheLastRequestIsStillBeingAnswered) {
  StopPoint stop_point;
  Site site(Road::kTcp, "workers: {min: 1, max: 1, max_requests: 1}\n");
  Site::Asked last = site.ask("/last", {{"X-Stop", "before"}, {"X-Control", stop_point.path()}}, {});
  Stopped worker = stop_point.wait();
  const pid_t next = answering_worker(site);
  EXPECT_NE(next, 0);
  EXPECT_NE(next, worker.pid());
  worker.go_on();
  EXPECT_EQ(writer_of_whole_page(last.response()), worker.pid());
}

TEST(WorkerLife, AWorkerAboveMaxMemoryIsRecycledAfterItsRequest) {
  const Site site(Road::kTcp, "workers: {min: 1, max: 1, max_memory: 64K}\n");
  const pid_t first = answering_worker(site);
  EXPECT_NE(first, 0);
  EXPECT_TRUE(wait_until_gone(first));
  EXPECT_THAT(site.server().log(), HasSubstr("above workers.max_memory (64K); recycling it"));
  EXPECT_NE(answering_worker(site), 0);
}

TEST(WorkerLife, AWorkerBelowMaxMemoryStays) {
  const Site site(Road::kTcp, "workers: {min: 1, max: 1, max_memory: 1G}\n");
  const pid_t first = answering_worker(site);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(answering_worker(site), first);
}

TEST(WorkerLife, ARequestThatTakesLongerThanTimeoutsTotalIsAnswered504) {
  StopPoint stop_point;
  Site site(Road::kTcp, "workers: {min: 1, max: 1}\ntimeouts: {total: 600ms}\n");
  site.server().expect_error("killed by timeouts.total with POST \"/total\"");
  Site::Asked asked = site.ask("/total", {{"X-Stop", "before"}, {"X-Control", stop_point.path()}}, {});
  Stopped worker = stop_point.wait();
  const Response response = asked.response();
  EXPECT_TRUE(response.complete(504)) << response;
  EXPECT_TRUE(wait_until_gone(worker.pid()));
  EXPECT_NE(answering_worker(site), 0);
}

TEST(WorkerLife, OneThatDoesNotLeaveWhenItIsDrainedIsKilled) {
  Server server({App{.name = "app",
                     .plugin = fixture_file("destroy_hangs"),
                     .more = "workers: {min: 1, max: 1, max_requests: 1}\ntimeouts: {stop: 700ms}\n"}});
  server.expect_error("was told to leave, and killed after timeouts.stop");
  server.start();
  const pid_t worker = children_of(server.pid()).at(0).pid;
  EXPECT_TRUE(fetch(server.listener("app"), ScgiRequest::get("/")).complete(200));
  EXPECT_TRUE(wait_until_gone(worker));
}

class QueueLimit : public testing::Test {
 protected:
  explicit QueueLimit() = default;

  // A server whose only worker stands still.
  void start(const std::string& queue) {
    site_ = std::make_unique<Site>(Road::kTcp, fmt::format("workers: {{min: 1, max: 1}}\nqueue: {{{}}}\n", queue));
    busy_.push_back(site_->ask("/busy", {{"X-Stop", "before"}, {"X-Control", stop_point_.path()}}, {}));
    worker_.push_back(stop_point_.wait());
  }
  void go_on() {
    worker_[0].go_on();
    EXPECT_TRUE(busy_[0].response().complete(200));
  }

  StopPoint stop_point_;
  std::unique_ptr<Site> site_;
  std::vector<Site::Asked> busy_;
  std::vector<Stopped> worker_;
};

TEST_F(QueueLimit, PastItsLengthARequestIsAnswered503AtOnce) {
  start("length: 2");
  auto first = site_->ask("/1", {}, {});
  auto second = site_->ask("/2", {}, {});
  const Response third = site_->ask("/3", {}, {}).response();
  EXPECT_TRUE(third.complete(503)) << third;
  EXPECT_EQ(third.header("Retry-After"), "1");
  go_on();
  EXPECT_TRUE(first.response().complete(200));
  EXPECT_TRUE(second.response().complete(200));
  EXPECT_THAT(site_->server().log(), HasSubstr("the queue is full (queue.length, 2); answered 503"));
}

TEST_F(QueueLimit, WhoComesTogetherWithOthersWhileWorkersAreIdleDoesNotWaitInIt) {
  Server server(
      {App{.name = "app", .plugin = plugin_file("hello"), .more = "workers: {min: 3, max: 3}\nqueue: {length: 1}\n"}});
  server.start();
  // The master finds all of them in one turn of its loop.
  server.signal(SIGSTOP);
  std::vector<Connection> connections;
  for (int i = 0; i < 3; ++i) {
    connections.push_back(Connection::to(server.listener("app")));
    ASSERT_TRUE(connections.back().send(ScgiRequest::get("/").head()));
  }
  server.signal(SIGCONT);
  for (Connection& connection : connections) {
    const Response response = connection.receive(ResponseReader(Dialect::kScgi, "GET"));
    EXPECT_TRUE(response.complete(200)) << response;
  }
}

TEST_F(QueueLimit, PastItsAgeARequestIsAnswered503) {
  start("age: 300ms");
  const Response old = site_->ask("/old", {}, {}).response();
  EXPECT_TRUE(old.complete(503)) << old;
  go_on();
}

TEST_F(QueueLimit, AClientThatHasLeftIsDroppedAndTheNextIsAnswered) {
  start("age: 10s");
  auto left = site_->ask("/left", {}, {});
  auto stays = site_->ask("/stays", {}, {});
  const auto both_wait = [&] {
    const auto app = status_of(site_->server())->getArray("apps")->getObject(0);
    return app->getObject("queue")->getValue<int>("length") == 2;
  };
  ASSERT_TRUE(eventually(both_wait, 4 * kPatience, milliseconds(50)));
  left.connection.reset();
  go_on();
  EXPECT_TRUE(stays.response().complete(200));
  // Where it has waited for less than a millisecond nobody looks, and its worker finds out.
  EXPECT_TRUE(eventually([&] {
    const std::string log = site_->server().log();
    return log.find("a client has left while it waited in the queue") != log.npos ||
           log.find("\"/left\": the client closed the connection") != log.npos;
  }));
}

}  // namespace
}  // namespace harness
