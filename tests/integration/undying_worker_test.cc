// The worst hang: a worker that SIGKILL does not end, because it sleeps in the kernel and cannot be interrupted (a dead
// NFS server, a broken disk). Here the signal is never sent, which looks the same to the master.
#include <fmt/format.h>
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
  site.server().expect_error(
      "killed by timeouts.request, and still there 5 s after SIGKILL with POST \"/hangs\" since * s; its connection is "
      "aborted");
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

// ---- and reloads ----

// As above: SIGKILL of the master's does nothing, until it is sent by the test.
class UndyingNewcomer : public testing::Test {
 protected:
  App app(const std::string& fixture, const std::string& more = {}) const {
    return {.name = "app", .plugin = fixture_file(fixture), .more = more};
  }
  Server server_{{app("version_one")}};
  Faults faults_{server_};
};

TEST_F(UndyingNewcomer, FailsTheReload) {
  server_.start();
  server_.configure({app("create_hangs", "timeouts: {start: 500ms}\n")});
  server_.expect_error(
      "generation 2 failed at CREATED: not reached within timeouts.start, and worker * is still there 5 s after "
      "SIGKILL; generation 1 stays");
  const pid_t old = children_of(server_.pid()).at(0).pid;
  faults_.fail(SHIM_KILL, EPERM, {.places = SHIM_MASTER});
  EXPECT_EQ(server_.reload(), "0 apps reloaded, 0 added, 0 removed, 1 failed");
  EXPECT_TRUE(fetch(server_.listener("app"), ScgiRequest::get("/")).complete(200));
  server_.configure({app("version_two")});
  EXPECT_EQ(server_.reload(), "1 app reloaded, 0 added, 0 removed, 0 failed") << "others go on";
  const Response response = fetch(server_.listener("app"), ScgiRequest::get("/app"));
  EXPECT_EQ(response.body, "app 3 two");
  faults_.clear();
  const Process newest = children_of(server_.pid()).back();
  for (const Process& worker : children_of(server_.pid())) {
    if (worker.pid != old && worker.pid != newest.pid) server_.signal_worker(worker.pid, SIGKILL);
  }
}

TEST_F(UndyingNewcomer, ThatWasGivenUpDoesNotHoldUpAStop) {
  server_.start();
  server_.configure({app("destroy_hangs", "reload: {probe: GET /missing}\ntimeouts: {stop: 500ms}\n")});
  server_.expect_error("failed at PROBED");
  server_.expect_error("still there 5 s after SIGKILL");
  server_.skip_rest("a worker hangs in its destroy");
  faults_.fail(SHIM_KILL, EPERM, {.places = SHIM_MASTER});
  EXPECT_EQ(server_.reload(), "0 apps reloaded, 0 added, 0 removed, 1 failed");
  EXPECT_TRUE(server_.wait_for_log("still there 5 s after SIGKILL", kGivenUp));
  server_.signal(SIGTERM);
  EXPECT_EQ(server_.wait(kGivenUp), ExitStatus::exited(0));
}

TEST(UndyingStart, DoesNotHoldUpAStopForTimeoutsStop) {
  Server server({{.name = "app",
                  .plugin = fixture_file("create_hangs"),
                  .more = "workers: {min: 1, max: 1}\ntimeouts: {start: 500ms, stop: 1m}\n"}});
  Faults faults(server);
  faults.fail(SHIM_KILL, EPERM, {.places = SHIM_MASTER});
  server.skip_rest("a worker hangs in its start");
  server.expect_error("failed at CREATED: not reached within timeouts.start, and worker * is still there");
  server.launch();
  ASSERT_TRUE(server.wait_for_log("create hangs"));
  const pid_t worker = children_of(server.pid()).at(0).pid;
  const unsigned before = faults.failed(SHIM_KILL);
  ASSERT_TRUE(eventually([&] { return faults.failed(SHIM_KILL) > before; }));
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait(kGivenUp), ExitStatus::exited(0));
  ::kill(worker, SIGKILL);  // it has timeouts.stop without its master, too
  EXPECT_TRUE(wait_until_gone(worker));
}

// The line of the access log is its own, and not that of the request before.
TEST(UndyingWorkerThatHasNotTakenItsRequest, HasAnsweredNothing) {
  Server server({{.name = "app",
                  .plugin = plugin_file("hello"),
                  .more = "workers: {min: 1, max: 1}\ntimeouts: {request: 500ms}\n"
                          "access_log: {file: access.log, format: '$uri $status $bytes $ending'}\n"}});
  Faults faults(server);
  server.expect_error("still there 5 s after SIGKILL before it took the request; its connection is aborted");
  server.start();
  const Response page = fetch(server.listener("app"), ScgiRequest::get("/before"));
  EXPECT_TRUE(page.complete(200));
  const pid_t worker = children_of(server.pid()).at(0).pid;
  ASSERT_TRUE(eventually([&] { return is_asleep(worker); })) << "its client has the answer before the master";
  server.signal_worker(worker, SIGSTOP);
  faults.fail(SHIM_KILL, EPERM, {.places = SHIM_MASTER});
  EXPECT_EQ(fetch(server.listener("app"), ScgiRequest::get("/never"), kGivenUp).ending, Ending::kReset);
  faults.clear();
  server.signal_worker(worker, SIGKILL);
  EXPECT_TRUE(wait_until_gone(worker));
  EXPECT_EQ(server.stop(), ExitStatus::exited(0));
  EXPECT_EQ(read_file(server.folder() / "access.log"),
            fmt::format("/before 200 {} complete\n- 0 0 aborted\n", page.body.size()));
}

// Neither a start that has failed nor a death without a request, whenever it dies.
TEST(UndyingOnProbation, IsACrashInItsRequest) {
  StopPoint stop_point;
  Site site(Road::kTcp,
            "workers: {min: 0, max: 1}\ntimeouts: {request: 500ms}\nreload: {probation: 1m, crashes: 100}\n");
  site.server().expect_error("still there 5 s after SIGKILL");
  EXPECT_NE(writer_of_whole_page(site.ask("/", {}, {}).response()), 0);
  EXPECT_EQ(site.server().reload(), "1 app reloaded, 0 added, 0 removed, 0 failed");
  EXPECT_NE(writer_of_whole_page(site.ask("/", {}, {}).response()), 0);
  site.server().remember_rest();  // with the image of the generation before
  Site::Asked hanging = site.ask("/hangs", {{"X-Stop", "before"}, {"X-Control", stop_point.path()}}, {});
  const Stopped worker = stop_point.wait();
  site.faults().fail(SHIM_KILL, EPERM, {.places = SHIM_MASTER});
  EXPECT_EQ(hanging.response(kGivenUp).ending, Ending::kReset);
  site.faults().clear();
  site.server().signal_worker(worker.pid(), SIGKILL);
  EXPECT_TRUE(wait_until_gone(worker.pid()));
  EXPECT_NE(writer_of_whole_page(site.ask("/", {}, {}).response()), 0) << "not degraded";
}

}  // namespace
}  // namespace harness
