// The lowest idle worker is preferred, so that its caches stay warm; and as many work as there are requests at a time.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "harness/processes.h"
#include "harness/site.h"
#include "harness/stop_point.h"

namespace harness {
namespace {

class WarmWorker : public testing::TestWithParam<Road> {
 protected:
  // Requests that are in their plugins at the same time, whatever the machine's speed: each waits there for an order.
  void begin(const Site& site, int count) {
    for (int i = 0; i < count; ++i) {
      asked_.push_back(site.ask("/wait", {{"X-Stop", "before"}, {"X-Control", stop_point_.path()}}, {}));
    }
  }

  std::set<pid_t> finish(int count) {
    std::vector<Stopped> stopped;
    std::set<pid_t> pids;
    for (int i = 0; i < count; ++i) pids.insert(stopped.emplace_back(stop_point_.wait()).pid());
    for (Stopped& worker : stopped) worker.go_on();
    return pids;
  }

  void expect_pages() {
    for (Site::Asked& asked : asked_) EXPECT_NE(writer_of_whole_page(asked.response()), 0);
    asked_.clear();
  }

  static void wait_until_all_rest(const Site& site) {
    ASSERT_TRUE(eventually([&] {
      const auto workers = children_of(site.server().pid());
      return std::all_of(workers.begin(), workers.end(), [](const Process& worker) { return worker.state == 'S'; });
    }));
  }

  StopPoint stop_point_;
  std::vector<Site::Asked> asked_;
};

INSTANTIATE_TEST_SUITE_P(By, WarmWorker, testing::Values(Road::kTcp, Road::kUnix, Road::kNginxUnix),
                         testing::PrintToStringParamName());

TEST_P(WarmWorker, ServesAloneForOneClientAndWithAllOthersForFive) {
  const Site site(GetParam(), "workers: {min: 5, max: 5}\n");
  begin(site, 5);
  const std::set<pid_t> all = finish(5);
  EXPECT_EQ(all.size(), 5u);
  expect_pages();

  std::set<pid_t> used;
  for (int i = 0; i < 200; ++i) {
    wait_until_all_rest(site);
    used.insert(writer_of_whole_page(site.ask("/alone", {}, {}).response()));
  }
  EXPECT_THAT(used, testing::ElementsAre(*all.begin())) << "not the worker that was started first";
}

TEST_P(WarmWorker, IsJoinedByNewOnesUpToTheMaximum) {
  const Site site(GetParam(), "workers: {min: 1, max: 5}\n");
  EXPECT_EQ(children_of(site.server().pid()).size(), 1u);
  begin(site, 6);
  const std::set<pid_t> first = finish(5);
  EXPECT_EQ(first.size(), 5u);
  const std::set<pid_t> sixth = finish(1);
  EXPECT_THAT(first, testing::IsSupersetOf(sixth)) << "the sixth request was to wait for one of five workers";
  expect_pages();
  EXPECT_EQ(children_of(site.server().pid()).size(), 5u);
}

}  // namespace
}  // namespace harness
