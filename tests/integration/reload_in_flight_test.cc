// Requests that are in flight at a reload, and reloads that wait for them.
#include <gtest/gtest.h>

#include <csignal>
#include <memory>
#include <set>
#include <string_view>
#include <vector>

#include "harness/processes.h"
#include "harness/site.h"
#include "harness/stop_point.h"

namespace harness {
namespace {

TEST(ReloadInFlight, ARequestFinishesOnItsOwnGeneration) {
  StopPoint stop_point;
  Site site(Road::kTcp, "workers: {min: 1, max: 2}\n");
  Site::Asked asked = site.ask("/old", {{"X-Stop", "before"}, {"X-Control", stop_point.path()}}, {});
  Stopped worker = stop_point.wait();
  pid_t last = worker.pid();
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(site.server().reload(), kOneReloaded);
    const pid_t now = writer_of_whole_page(site.ask("/new", {}, {}).response());
    EXPECT_TRUE(now != 0 && now != last);
    last = now;
  }
  worker.go_on();
  EXPECT_EQ(writer_of_whole_page(asked.response()), worker.pid());
  EXPECT_TRUE(wait_until_gone(worker.pid()));
}

TEST(ReloadInFlight, OneThatOutlivesTimeoutsDrainIsAnswered504OrAborted) {
  for (const char* stop : {"before", "first"}) {
    StopPoint stop_point;
    Site site(Road::kTcp, "timeouts: {drain: 300ms}\n");
    const bool has_begun = std::string_view(stop) == "first";
    site.server().expect_error(
        has_begun ? "left behind by a reload, and killed by timeouts.drain with POST \"/old\" since * s; part of the "
                    "response was sent*"
                  : "left behind by a reload, and killed by timeouts.drain with POST \"/old\" since * s; answered 504");
    Site::Asked asked = site.ask("/old", {{"X-Stop", stop}, {"X-Control", stop_point.path()}}, {});
    const Stopped worker = stop_point.wait();
    EXPECT_EQ(site.server().reload(), kOneReloaded);
    EXPECT_NE(writer_of_whole_page(site.ask("/new", {}, {}).response()), 0);
    const Response response = asked.response();
    EXPECT_TRUE(has_begun ? !response.complete(200) : response.complete(504)) << response;
    EXPECT_TRUE(wait_until_gone(worker.pid()));
  }
}

// An app has at most workers.max workers that are leaving.
TEST(ReloadInFlight, AReloadWaitsWhereTooManyOldWorkersAreBusy) {
  StopPoint stop_point;
  Site site(Road::kTcp, "workers: {min: 1, max: 1}\n");
  std::vector<Site::Asked> asked;
  std::vector<Stopped> workers;
  const auto occupy = [&] {
    asked.push_back(site.ask("/busy", {{"X-Stop", "before"}, {"X-Control", stop_point.path()}}, {}));
    workers.push_back(stop_point.wait());
  };
  occupy();
  EXPECT_EQ(site.server().reload(), kOneReloaded);
  occupy();
  site.server().signal(SIGHUP);
  EXPECT_TRUE(site.server().wait_for_log(
      "generation 3 is READY and waits until a worker of an older one has left (1 leaving)"));
  workers[0].go_on();
  EXPECT_TRUE(eventually([&] { return site.server().reloads().size() == 2; }));
  workers[1].go_on();
  for (std::size_t i = 0; i < 2; ++i) EXPECT_EQ(writer_of_whole_page(asked[i].response()), workers[i].pid());
}

// A third generation, READY, that waits: its worker.
class ReloadThatWaits : public testing::Test {
 protected:
  void start(const std::string& more) {
    site_ = std::make_unique<Site>(Road::kTcp, more);
    occupy();
    EXPECT_EQ(server().reload(), kOneReloaded);
    occupy();
    server().signal(SIGHUP);
    EXPECT_TRUE(server().wait_for_log("generation 3 is READY and waits"));
    std::set<pid_t> all;
    for (const Process& child : children_of(server().pid())) all.insert(child.pid);
    for (const Stopped& worker : workers_) all.erase(worker.pid());
    ASSERT_EQ(all.size(), 1u);
    waiting_ = *all.begin();
  }
  void finish() {
    for (Stopped& worker : workers_) worker.go_on();
    for (std::size_t i = 0; i < 2; ++i) EXPECT_EQ(writer_of_whole_page(asked_[i].response()), workers_[i].pid());
    EXPECT_TRUE(eventually([&] { return server().reloads().size() == 2; }));
  }
  Server& server() { return site_->server(); }

  pid_t waiting_ = 0;
  StopPoint stop_point_;
  std::unique_ptr<Site> site_;

 private:
  void occupy() {
    asked_.push_back(site_->ask("/busy", {{"X-Stop", "before"}, {"X-Control", stop_point_.path()}}, {}));
    workers_.push_back(stop_point_.wait());
  }

  std::vector<Site::Asked> asked_;
  std::vector<Stopped> workers_;
};

TEST_F(ReloadThatWaits, HasFailedWhereItsWorkerDies) {
  start("workers: {min: 1, max: 1}\nreload: {probe: GET /}\n");
  server().expect_error("died of signal 9 (Killed) while idle");
  server().expect_error("app \"app\": generation 3: a worker has died while idle; generation 2 stays");
  server().signal_worker(waiting_, SIGKILL);
  EXPECT_TRUE(server().wait_for_log("generation 2 stays"));
  finish();
  EXPECT_EQ(server().reloads().back(), kOneFailed);
}

TEST_F(ReloadThatWaits, KeepsItsWorkersHoweverLongItWaits) {
  start("workers: {min: 0, max: 1, idle_timeout: 200ms}\n");
  EXPECT_FALSE(eventually([&] { return !find_process(waiting_); }, seconds(1)));
  finish();
  EXPECT_NE(writer_of_whole_page(site_->ask("/", {}, {}).response()), 0);
}

}  // namespace
}  // namespace harness
