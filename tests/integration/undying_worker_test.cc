// Matrix 2a, "hang", the worst of them: a worker that SIGKILL does not end, because it sleeps in the kernel and cannot
// be interrupted (a dead NFS server, a broken disk). Here the signal is never sent, which looks the same to the master.
#include <gtest/gtest.h>

#include <cerrno>
#include <csignal>

#include "harness/processes.h"
#include "harness/scgi_request.h"
#include "harness/site.h"
#include "harness/stop_point.h"

namespace harness {
namespace {

// It is given up five seconds after SIGKILL.
constexpr milliseconds kGivenUp = seconds(15);

class UndyingWorker : public testing::TestWithParam<Road> {
 protected:
  Site::Asked hang(const Site& site) const {
    return site.ask("/hangs", {{"X-Stop", "before"}, {"X-Control", stop_point_.path()}}, {});
  }

  StopPoint stop_point_;
};

INSTANTIATE_TEST_SUITE_P(By, UndyingWorker, testing::Values(Road::kTcp, Road::kUnix),
                         testing::PrintToStringParamName());

TEST_P(UndyingWorker, CostsItsOwnRequestAndNoOther) {
  Site site(GetParam(), "workers: {min: 2, max: 2}\ntimeouts: {request: 500ms}\n");
  site.server().expect_error("still there 5 s after SIGKILL");
  site.server().expect_error("killed by timeouts.request while idle");
  Site::Asked hanging = hang(site);
  const Stopped worker = stop_point_.wait();
  site.faults().fail(SHIM_KILL, EPERM, {.places = SHIM_MASTER});
  const bool is_tcp = GetParam() == Road::kTcp;
  if (is_tcp) {
    EXPECT_EQ(hanging.response(kGivenUp).ending, Ending::kReset);
  } else {
    EXPECT_TRUE(site.server().wait_for_log("still there 5 s after SIGKILL", kGivenUp));
  }
  const pid_t other = writer_of_whole_page(site.ask("/next", {}, {}).response());
  EXPECT_TRUE(other != 0 && other != worker.pid());
  EXPECT_TRUE(find_process(worker.pid()));

  // It wakes, and dies of the signal that was waiting for it.
  site.faults().clear();
  site.server().signal_worker(worker.pid(), SIGKILL);
  EXPECT_TRUE(wait_until_gone(worker.pid()));
  if (!is_tcp) {
    EXPECT_EQ(hanging.response().ending, Ending::kReset) << "it is the last close that resets a Unix socket";
  }
  EXPECT_TRUE(site.server().at_rest());
}

TEST_P(UndyingWorker, DoesNotHoldUpAStopForEver) {
  Site site(GetParam(), "workers: {min: 2, max: 2}\ntimeouts: {stop: 500ms}\n");
  site.server().expect_error("still there 5 s after SIGKILL");
  site.server().skip_rest("it is stopped in the middle of its work");
  Site::Asked hanging = hang(site);
  const Stopped worker = stop_point_.wait();
  site.faults().fail(SHIM_KILL, EPERM, {.places = SHIM_MASTER});
  site.server().signal(SIGTERM);
  EXPECT_EQ(site.server().wait(kGivenUp), ExitStatus::exited(0));
  EXPECT_EQ(hanging.response().ending, Ending::kReset);
  EXPECT_TRUE(wait_until_gone(worker.pid())) << "without its master";
}

}  // namespace
}  // namespace harness
