// Deferred work: the client has let go, and the worker is still at it.
#include <Poco/JSON/Array.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <csignal>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "harness/command.h"
#include "harness/faults.h"
#include "harness/freeze.h"
#include "harness/processes.h"
#include "harness/scgi_request.h"
#include "harness/site.h"
#include "harness/stop_point.h"

namespace harness {
namespace {

using testing::HasSubstr;
using testing::PrintToString;

constexpr const char* kOne = "workers: {min: 1, max: 1}\n";

// ---- work that stands still until it is told to go on ----

class Deferring : public testing::TestWithParam<Road> {
 protected:
  void start(const std::string& more = kOne) { site_ = std::make_unique<Site>(GetParam(), more); }
  Server& server() { return site_->server(); }

  // A request whose client has all of its response, and whose worker is in its deferred work.
  Stopped defer(const std::string& path) {
    const Response response =
        site_->ask(path, {{"X-Stop", "deferred"}, {"X-Control", stop_point_.path()}}, {}).response();
    Stopped worker = stop_point_.wait();
    // The whole page, and the end of the connection, before the work has gone on.
    EXPECT_EQ(writer_of_whole_page(response), worker.pid()) << response;
    return worker;
  }
  pid_t answering_worker() { return writer_of_whole_page(site_->ask("/", {}, {}).response()); }

  Poco::JSON::Object::Ptr worker_in_status() { return app_in_status()->getArray("workers")->getObject(0); }
  Poco::JSON::Object::Ptr app_in_status() { return status_of(server())->getArray("apps")->getObject(0); }

  StopPoint stop_point_;
  std::unique_ptr<Site> site_;
};

TEST_P(Deferring, ItsClientHasItsEndAndOthersWaitForTheWorker) {
  start();
  Stopped worker = defer("/slow");
  const auto status = worker_in_status();
  EXPECT_EQ(status->getValue<std::string>("state"), "BUSY");
  EXPECT_EQ(status->getObject("request")->getValue<std::string>("uri"), site_->uri_of("/slow"));
  EXPECT_TRUE(status->getObject("request")->getValue<bool>("deferred"));
  Command table("status", server());
  EXPECT_EQ(table.wait(), ExitStatus::exited(0));
  EXPECT_THAT(table.output(), HasSubstr(fmt::format("deferred work of POST {} (", site_->uri_of("/slow"))));

  auto next = site_->ask("/next", {}, {});
  ASSERT_TRUE(eventually([&] { return app_in_status()->getObject("queue")->getValue<int>("length") == 1; },
                         4 * kPatience, milliseconds(50)));
  worker.go_on();
  EXPECT_EQ(writer_of_whole_page(next.response()), worker.pid());
}

TEST_P(Deferring, ADeathInItCostsNoClientAnything) {
  start();
  for (const auto die : {&Stopped::raise_segv, &Stopped::call_abort, &Stopped::call_exit}) {
    server().expect_error(
        fmt::format("in deferred work of POST \"{}\" since * s; its response was sent before", site_->uri_of("/dies")));
    Stopped worker = defer("/dies");
    auto next = site_->ask("/next", {}, {});
    (worker.*die)();
    const pid_t answering = writer_of_whole_page(next.response());
    EXPECT_NE(answering, 0);
    EXPECT_NE(answering, worker.pid());
  }
  EXPECT_EQ(app_in_status()->getObject("counters")->getValue<int>("crashes"), 3);
}

TEST_P(Deferring, TimeoutsRequestEndsIt) {
  start("workers: {min: 1, max: 1}\ntimeouts: {request: 300ms, total: 10s}\n");
  server().expect_error("killed by timeouts.request in deferred work of POST");
  Stopped worker = defer("/long");
  worker.ignore_signals();
  EXPECT_TRUE(wait_until_gone(worker.pid()));
  EXPECT_NE(answering_worker(), 0);
}

TEST_P(Deferring, TimeoutsTotalIsTheClientsAndDoesNot) {
  start("workers: {min: 1, max: 1}\ntimeouts: {total: 3s}\n");
  Stopped worker = defer("/long");
  // Behind it in the queue one that waits until its total is over: it is longer than that of the first one.
  const Response late = site_->ask("/late", {}, {}).response();
  EXPECT_TRUE(late.complete(503)) << late;
  worker.go_on();
  EXPECT_EQ(answering_worker(), worker.pid());
}

TEST_P(Deferring, AStopWaitsForIt) {
  start();
  server().skip_rest("it is to stop while a worker has something to do");
  Stopped worker = defer("/stopped");
  server().signal(SIGTERM);
  ASSERT_TRUE(server().wait_for_log("stopping"));
  EXPECT_FALSE(children_of(server().pid()).empty());
  worker.go_on();
  EXPECT_EQ(server().wait(), ExitStatus::exited(0));
}

TEST_P(Deferring, AStopEndsItAfterTimeoutsStop) {
  start("workers: {min: 1, max: 1}\ntimeouts: {stop: 300ms}\n");
  server().expect_error("killed by timeouts.stop in deferred work of POST");
  server().skip_rest("its worker hangs");
  Stopped worker = defer("/stopped");
  server().signal(SIGTERM);
  EXPECT_EQ(server().wait(), ExitStatus::exited(0));
}

TEST_P(Deferring, OneThatIsRecycledEndsItWhileItsReplacementServes) {
  start("workers: {min: 1, max: 1, max_requests: 1}\n");
  Stopped worker = defer("/last");
  const pid_t next = answering_worker();
  EXPECT_NE(next, 0);
  EXPECT_NE(next, worker.pid());
  worker.go_on();
  EXPECT_TRUE(wait_until_gone(worker.pid()));
}

TEST_P(Deferring, OfAnOlderGenerationEndsWhileTheNewOneServes) {
  start();
  Stopped worker = defer("/old");
  EXPECT_EQ(server().reload(), kOneReloaded);
  const pid_t next = answering_worker();
  EXPECT_NE(next, 0);
  EXPECT_NE(next, worker.pid());
  worker.go_on();
  EXPECT_TRUE(wait_until_gone(worker.pid()));
}

TEST_P(Deferring, OfAnOlderGenerationIsEndedByTimeoutsDrain) {
  start("workers: {min: 1, max: 1}\ntimeouts: {drain: 300ms}\n");
  server().expect_error("left behind by a reload, and killed by timeouts.drain in deferred work of POST");
  Stopped worker = defer("/old");
  EXPECT_EQ(server().reload(), kOneReloaded);
  EXPECT_TRUE(wait_until_gone(worker.pid()));
  EXPECT_NE(answering_worker(), 0);
}

INSTANTIATE_TEST_SUITE_P(By, Deferring, testing::Values(Road::kTcp, Road::kUnix, Road::kNginxTcp, Road::kNginxUnix),
                         testing::PrintToStringParamName());

// ---- what is given away, and what becomes of it ----

class DeferAsTold : public testing::Test {
 protected:
  App app(const std::string& more = kOne) const {
    return {.name = "app",
            .plugin = fixture_file("defers_as_told"),
            .listen = {"127.0.0.1:0", "unix:app.sock"},
            .more = fmt::format("settings: {{record: {}}}\n{}", record_, more)};
  }
  void start(const std::string& more = kOne) {
    server_.emplace(std::vector{app(more)});
    server_->start();
  }
  Response ask(const std::string& path) { return fetch(server_->listener("app"), ScgiRequest::get(path)); }
  // The page's lines: how many were taken, the pid, the folder.
  std::vector<std::string> lines(const Response& response) {
    EXPECT_TRUE(response.complete(200)) << response;
    std::istringstream text(response.body);
    std::vector<std::string> all;
    for (std::string line; std::getline(text, line);) all.push_back(line);
    return all;
  }
  // What was done in the end. The next request is answered behind all that.
  std::string record() const { return read_file(record_); }
  bool recorded(const std::string& all) {
    return eventually([&] { return record() == all; });
  }

  TempDir folder_;
  const std::string record_ = folder_ / "record";
  std::optional<Server> server_;
};

TEST_F(DeferAsTold, InOrderBehindTheResponse) {
  start();
  EXPECT_TRUE(ask("/three").complete(200));
  EXPECT_TRUE(recorded("PABC")) << record();
  EXPECT_TRUE(ask("/none").complete(200));
  EXPECT_TRUE(recorded("PABCP")) << "each once";
}

TEST_F(DeferAsTold, AlsoWhereProduceFails) {
  start();
  server_->expect_error("GET \"/fail\" answered 500: produce returned 1");
  EXPECT_TRUE(ask("/fail").complete(500));
  EXPECT_TRUE(recorded("PA")) << record();
}

TEST_F(DeferAsTold, AlsoWhereTheClientHasLeft) {
  start();
  {
    const Freeze freeze(*server_);
    Connection connection = Connection::to(server_->listener("app", 1));
    ASSERT_TRUE(connection.send(ScgiRequest::get("/one").bytes()));
  }
  EXPECT_TRUE(recorded("PA")) << record();
}

TEST_F(DeferAsTold, SixtyFourOfOneRequestAndNoMore) {
  start();
  EXPECT_EQ(lines(ask("/many")).at(0), "64");
  EXPECT_TRUE(recorded("P" + std::string(64, 'A'))) << record();
}

TEST_F(DeferAsTold, WhatIsThrownIsLoggedAndNobodyNotices) {
  start();
  server_->expect_error("GET \"/throw\": an exception left deferred work: thrown\\nlater");
  const std::string pid = lines(ask("/throw")).at(1);
  EXPECT_EQ(lines(ask("/none")).at(1), pid);
  EXPECT_EQ(record(), "PAP");
}

TEST_F(DeferAsTold, NotOutsideOfARequestNorFromAnotherThread) {
  server_.emplace(std::vector{app()});
  server_->expect_error("after_response: called outside of produce() and handle_connection()");
  server_->expect_error("after_response: the service, or the work, is NULL");
  server_->expect_error("after_response: called on another thread than produce()'s");
  server_->start();
  EXPECT_TRUE(ask("/forbidden").complete(200));
  EXPECT_TRUE(recorded("PA")) << record();
}

TEST_F(DeferAsTold, AForkedProcessThatReturnsFromItEndsThere) {
  start();
  server_->expect_error("a process that the plugin has forked has returned from deferred work; it ends here");
  const std::string pid = lines(ask("/fork")).at(1);
  EXPECT_EQ(lines(ask("/none")).at(1), pid);
  EXPECT_EQ(record(), "PAP");
}

TEST_F(DeferAsTold, FolderAndUmaskArePutBackBehindIt) {
  start();
  const std::string folder = lines(ask("/leave")).at(2);
  EXPECT_NE(folder, "/proc");
  EXPECT_EQ(lines(ask("/none")).at(2), folder);
}

TEST_F(DeferAsTold, MaxMemoryLooksBehindIt) {
  start("workers: {min: 1, max: 1, max_memory: 48M}\n");
  const std::string pid = lines(ask("/memory")).at(1);
  EXPECT_TRUE(server_->wait_for_log("above workers.max_memory (48M); recycling it"));
  EXPECT_NE(lines(ask("/none")).at(1), pid);
}

TEST_F(DeferAsTold, AProbeIsPassedWhenItsWorkIsOver) {
  start();
  server_->configure({app("workers: {min: 1, max: 1}\nreload: {probe: GET /three}\n")});
  EXPECT_EQ(server_->reload(), kOneReloaded);
  EXPECT_EQ(record(), "PABC");
  server_->configure({app("workers: {min: 1, max: 1}\nreload: {probe: GET /die}\n")});
  server_->expect_error("in deferred work of GET \"/die\"");
  server_->expect_error("failed at PROBED: GET /die: the worker died of its deferred work; generation 2 stays");
  EXPECT_EQ(server_->reload(), kOneFailed);
  EXPECT_TRUE(ask("/none").complete(200));
}

// Its channel ends before it can be reaped, as that of each worker that dies. Here SIGKILL takes its time, too.
TEST_F(DeferAsTold, AProbeIsNotPassedWhileItsWorkerDies) {
  server_.emplace(std::vector{app()});
  Faults faults(*server_);
  server_->start();
  server_->configure({app("workers: {min: 1, max: 1}\ntimeouts: {start: 1s}\nreload: {probe: GET /close}\n")});
  server_->expect_error("in deferred work of GET \"/close\"");
  server_->expect_error("failed at PROBED: GET /close: its deferred work is not over within timeouts.start");
  const std::vector<Process> before = children_of(server_->pid());
  faults.fail(SHIM_KILL, EPERM, {.places = SHIM_MASTER});
  EXPECT_EQ(server_->reload(), kOneFailed);
  faults.clear();
  for (const Process& worker : children_of(server_->pid())) {
    if (worker.pid != before.at(0).pid) server_->signal_worker(worker.pid, SIGKILL);
  }
  EXPECT_TRUE(server_->wait_for_log("in deferred work of"));
  EXPECT_TRUE(ask("/none").complete(200));
}

TEST_F(DeferAsTold, AGenerationOnProbationGoesForDeathsInIt) {
  start();
  EXPECT_TRUE(ask("/none").complete(200)) << "which the generation before has done better";
  server_->configure({app("workers: {min: 1, max: 1}\nreload: {probation: 1m, crashes: 2}\n")});
  EXPECT_EQ(server_->reload(), kOneReloaded);
  server_->expect_error("in deferred work of GET \"/die\"");
  server_->expect_error("generation 2 is taken back; generation 3 is to be what 1 was");
  server_->expect_error("generation 2 is on probation (reload.probation), and 2 of its 2 requests have crashed");
  EXPECT_TRUE(ask("/die").complete(200));
  EXPECT_TRUE(ask("/die").complete(200));
  EXPECT_TRUE(server_->wait_for_log("generation 3 is running"));
}

}  // namespace
}  // namespace harness
