// What is for the master may reach its workers, too: `systemctl kill -s USR1`, say, goes to all processes of a service.
#include <gtest/gtest.h>

#include <csignal>

#include "harness/processes.h"
#include "harness/scgi_request.h"
#include "harness/site.h"
#include "harness/stop_point.h"

namespace harness {
namespace {

class WorkerSignal : public testing::TestWithParam<int> {};

INSTANTIATE_TEST_SUITE_P(By, WorkerSignal, testing::Values(SIGHUP, SIGUSR1, SIGUSR2),
                         [](const auto& test) { return std::string(sigabbrev_np(test.param)); });

TEST_P(WorkerSignal, ThatIsForTheMasterCostsNoRequest) {
  StopPoint stop_point;
  Site site(Road::kUnix, "workers: {min: 1, max: 1}\n");
  const pid_t worker = children_of(site.server().pid()).at(0).pid;
  site.server().signal_worker(worker, GetParam());
  Site::Asked asked = site.ask("/", {{"X-Stop", "before"}, {"X-Control", stop_point.path()}}, {});
  {
    Stopped stopped = stop_point.wait();
    EXPECT_EQ(stopped.pid(), worker);
    site.server().signal_worker(worker, GetParam());
    stopped.go_on();
  }
  EXPECT_EQ(writer_of_whole_page(asked.response()), worker);
}

}  // namespace
}  // namespace harness
