// Everything that hangs is ended: plugins by the master, which answers for them, and clients by the side that waits for
// them.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

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

constexpr const char* kOneWorker = "workers: {min: 1, max: 1}\n";

class Timeout : public testing::TestWithParam<Road> {
 protected:
  // The pid of the worker that answers.
  static pid_t answering_worker(const Site& site) { return writer_of_whole_page(site.ask("/next", {}, {}).response()); }

  // Sends a byte of `bytes` every tenth of a second until an answer comes.
  static Response answer_to_trickle(Connection& connection, std::string_view bytes) {
    ResponseReader reader(Dialect::kScgi, "POST");
    const Deadline deadline(kPatience);
    for (const char& byte : bytes) {
      if (deadline.passed() || !connection.send({&byte, 1})) break;
      const std::string answer = connection.receive_some(4096, milliseconds(100));
      if (answer.empty()) continue;
      reader.feed(answer);
      break;
    }
    return connection.receive(std::move(reader));
  }

  StopPoint stop_point_;
};

INSTANTIATE_TEST_SUITE_P(By, Timeout, testing::Values(Road::kTcp, Road::kUnix), testing::PrintToStringParamName());

TEST_P(Timeout, AHangingPluginIsKilledAndItsClientGets504) {
  using Hang = void (*)(Stopped&, const Server&);
  const std::pair<const char*, Hang> kHangs[] = {
      {"/sleeps", [](Stopped&, const Server&) {}},
      {"/spins", [](Stopped& worker, const Server&) { worker.spin(); }},
      {"/deaf", [](Stopped& worker, const Server&) { worker.ignore_signals(); }},
      {"/stopped", [](Stopped& worker, const Server& server) { server.signal_worker(worker.pid(), SIGSTOP); }},
  };
  Site site(GetParam(), std::string(kOneWorker) + "timeouts: {request: 700ms}\n");
  for (const auto& [path, hang] : kHangs) {
    site.server().expect_error(
        fmt::format("killed by timeouts.request with POST \"{}\" since * s; answered 504", path));
    const auto begin = std::chrono::steady_clock::now();
    Site::Asked asked = site.ask(path, {{"X-Stop", "before"}, {"X-Control", stop_point_.path()}}, {});
    Stopped worker = stop_point_.wait();
    hang(worker, site.server());
    const Response response = asked.response();
    EXPECT_TRUE(response.complete(504)) << path << ": " << response;
    EXPECT_GE(std::chrono::steady_clock::now() - begin, milliseconds(700)) << path;
    EXPECT_TRUE(wait_until_gone(worker.pid())) << path;
    EXPECT_THAT(site.server().log(), HasSubstr("worker " + std::to_string(worker.pid()) +
                                               ": killed by timeouts.request with POST \"" + path + "\""));
    EXPECT_NE(answering_worker(site), 0) << path;
  }
}

TEST_P(Timeout, AHangAfterTheFirstByteIsAborted) {
  Site site(GetParam(), std::string(kOneWorker) + "timeouts: {request: 700ms}\n");
  site.server().expect_error("killed by timeouts.request with POST \"/late\" since * s; part of the response was sent");
  Site::Asked asked = site.ask("/late", {{"X-Stop", "first"}, {"X-Control", stop_point_.path()}}, {});
  const Stopped worker = stop_point_.wait();
  const Response response = asked.response();
  EXPECT_EQ(response.outcome, Outcome::kAborted) << response;
  EXPECT_TRUE(wait_until_gone(worker.pid()));
  EXPECT_NE(answering_worker(site), 0);
}

// Waiting for the client is the worker's business, with its own deadlines: unless it cannot keep them.
TEST_P(Timeout, AWorkerThatIsStoppedWhileItWaitsForTheClientIsKilled) {
  Site site(GetParam(), std::string(kOneWorker) + "timeouts: {request: 500ms, body: 500ms, write: 500ms}\n");
  site.server().expect_error("killed by timeouts.request with POST \"/half\" since * s; answered 504");
  const pid_t worker = answering_worker(site);
  ASSERT_TRUE(eventually([&] { return is_asleep(worker); }));
  const std::size_t idle_descriptors = descriptors_of(worker).size();
  Connection connection = Connection::to(site.server().listener("app"));
  const ScgiRequest request = ScgiRequest::post("/half", pattern_body(1000));
  ASSERT_TRUE(connection.send(request.bytes().substr(0, request.head().size() + 500)));
  // It has the connection, and sleeps again: in its wait for the other half.
  ASSERT_TRUE(eventually([&] { return descriptors_of(worker).size() > idle_descriptors && is_asleep(worker); }));
  site.server().signal_worker(worker, SIGSTOP);
  const Response response = connection.receive(request.reader());
  EXPECT_TRUE(response.complete(504)) << response;
  EXPECT_TRUE(wait_until_gone(worker));
  EXPECT_NE(answering_worker(site), 0);
}

// Nobody has begun with its request.
TEST_P(Timeout, AnIdleWorkerThatIsStoppedIsKilledAndAnotherAnswers) {
  Site site(GetParam(), std::string(kOneWorker) + "timeouts: {request: 700ms}\n");
  site.server().expect_error(
      "killed by timeouts.request before it took the request; its request goes to another worker");
  const pid_t worker = answering_worker(site);
  ASSERT_TRUE(eventually([&] { return is_asleep(worker); })) << "its client has the answer before the master";
  site.server().signal_worker(worker, SIGSTOP);
  ASSERT_TRUE(eventually([&] { return find_process(worker)->state == 'T'; }));
  const pid_t writer = answering_worker(site);
  EXPECT_NE(writer, 0);
  EXPECT_NE(writer, worker);
  EXPECT_TRUE(wait_until_gone(worker));
}

TEST_P(Timeout, WhatThePluginHasForkedGoesWithItsWorker) {
  Site site(GetParam(), std::string(kOneWorker) + "timeouts: {request: 700ms}\n");
  site.server().expect_error("killed by timeouts.request with POST \"/forks\" since * s; answered 504");
  site.server().expect_error("exited with status 0 with POST \"/forks\" since * s; answered 502");
  for (const bool worker_leaves_by_itself : {false, true}) {
    Site::Asked asked = site.ask("/forks", {{"X-Stop", "taken"}, {"X-Control", stop_point_.path()}}, {});
    Stopped worker = stop_point_.wait();
    worker.fork_child();
    Stopped child = stop_point_.wait();
    ASSERT_NE(worker.pid(), child.pid());
    child.ignore_signals();
    if (worker_leaves_by_itself) worker.call_exit();
    const Response response = asked.response();
    EXPECT_TRUE(response.complete(worker_leaves_by_itself ? 502 : 504)) << response;
    EXPECT_TRUE(wait_until_gone(worker.pid()));
    EXPECT_TRUE(wait_until_gone(child.pid()));
    EXPECT_NE(answering_worker(site), 0);
  }
}

TEST_P(Timeout, ABodyThatStallsIsAnswered408) {
  const Site site(GetParam(), std::string(kOneWorker) + "timeouts: {body: 500ms}\n");
  const pid_t worker = answering_worker(site);
  Connection connection = Connection::to(site.server().listener("app"));
  const ScgiRequest request = ScgiRequest::post("/stalls", pattern_body(1000));
  ASSERT_TRUE(connection.send(request.bytes().substr(0, request.head().size() + 500)));
  const Response response = connection.receive(request.reader());
  EXPECT_TRUE(response.complete(408)) << response;
  EXPECT_TRUE(site.server().wait_for_log("POST \"/stalls\" refused with 408: the body has made no progress"));
  EXPECT_EQ(answering_worker(site), worker);
}

TEST_P(Timeout, ABodyThatTricklesIsAnswered408) {
  const Site site(GetParam(), std::string(kOneWorker) + "timeouts: {body: 500ms}\nlimits: {body_rate: 1K}\n");
  const pid_t worker = answering_worker(site);
  Connection connection = Connection::to(site.server().listener("app"));
  const ScgiRequest request = ScgiRequest::post("/trickles", pattern_body(1000));
  ASSERT_TRUE(connection.send(request.head()));
  const Response response = answer_to_trickle(connection, std::string(1000, '.'));
  EXPECT_TRUE(response.complete(408)) << response;
  EXPECT_EQ(answering_worker(site), worker);
}

TEST_P(Timeout, ASlowHeadIsAnswered408AndCostsNoWorker) {
  const Site site(GetParam(), std::string(kOneWorker) + "timeouts: {head: 700ms}\n");
  Connection silent = Connection::to(site.server().listener("app"));
  Connection half = Connection::to(site.server().listener("app"));
  const ScgiRequest request = ScgiRequest::get("/slow");
  ASSERT_TRUE(half.send(request.head().substr(0, 20)));
  EXPECT_NE(answering_worker(site), 0);

  Connection slow = Connection::to(site.server().listener("app"));
  const Response response = answer_to_trickle(slow, request.head());
  EXPECT_TRUE(response.complete(408)) << response;
  EXPECT_TRUE(silent.receive(request.reader()).complete(408));
  EXPECT_TRUE(half.receive(request.reader()).complete(408));
  EXPECT_THAT(site.server().log(), HasSubstr("refused with 408: 20 bytes of a head after"));
}

// Each of its bytes is progress.
TEST_P(Timeout, AClientThatReadsALittleAllTheTimeFreesItsWorker) {
  Server server({App{.name = "app",
                     .plugin = fixture_file("writes_for_ever"),
                     .listen = {GetParam() == Road::kTcp ? "127.0.0.1:0" : "unix:app.sock"},
                     .more = std::string(kOneWorker) + "timeouts: {write: 500ms}\nlimits: {body_rate: 10M}\n"}});
  server.expect_error(
      "GET \"/endless\" aborted: the client has taken nothing of the response for timeouts.write, or is "
      "slower than limits.body_rate");
  server.start();
  Connection connection = Connection::to(server.listener("app"));
  ASSERT_TRUE(connection.send(ScgiRequest::get("/endless").head()));
  const Deadline deadline(2 * kPatience);
  while (server.log().find("slower than limits.body_rate") == std::string::npos && !deadline.passed()) {
    connection.receive_some(1500);
    std::this_thread::sleep_for(milliseconds(20));
  }
  Connection next = Connection::to(server.listener("app"));
  ASSERT_TRUE(next.send(ScgiRequest::get("/endless").head()));
  EXPECT_THAT(next.receive_some(100), HasSubstr("200 OK"));
}

// It has, before its time was up; the master only comes to hear of it later.
TEST_P(Timeout, AWorkerThatHasAnsweredInTimeLivesOn) {
  constexpr milliseconds kRequest(700);
  Site site(GetParam(), fmt::format("{}timeouts: {{request: {}ms}}\n", kOneWorker, kRequest.count()));
  Site::Asked asked = site.ask("/in-time", {{"X-Stop", "before"}, {"X-Control", stop_point_.path()}}, {});
  Stopped worker = stop_point_.wait();
  {
    const Freeze freeze(site.server());
    worker.go_on();
    EXPECT_EQ(writer_of_whole_page(asked.response()), worker.pid());
    std::this_thread::sleep_for(kRequest);
  }
  EXPECT_EQ(answering_worker(site), worker.pid());
}

// What counts is when a head has arrived, not when the master comes to read it.
TEST_P(Timeout, AHeadThatTheMasterReadsLateIsAnswered) {
  constexpr milliseconds kHead(700);
  Site site(GetParam(), fmt::format("{}timeouts: {{head: {}ms}}\n", kOneWorker, kHead.count()));
  EXPECT_NE(answering_worker(site), 0);
  ASSERT_TRUE(site.server().at_rest());
  const auto at_rest = descriptors_of(site.server().pid()).size();
  Connection whole = Connection::to(site.server().listener("app"));
  Connection half = Connection::to(site.server().listener("app"));
  const ScgiRequest request = ScgiRequest::get("/late");
  ASSERT_TRUE(half.send(request.head().substr(0, 20)));
  ASSERT_TRUE(eventually([&] { return descriptors_of(site.server().pid()).size() == at_rest + 2; })) << "accepted";
  {
    const Freeze freeze(site.server());
    ASSERT_TRUE(whole.send(request.head()));
    std::this_thread::sleep_for(kHead);
  }
  EXPECT_NE(writer_of_whole_page(whole.receive(request.reader())), 0);
  EXPECT_TRUE(half.receive(request.reader()).complete(408));
}

TEST_P(Timeout, AClientThatStopsReadingFreesItsWorker) {
  Server server({App{.name = "app",
                     .plugin = fixture_file("writes_for_ever"),
                     .listen = {GetParam() == Road::kTcp ? "127.0.0.1:0" : "unix:app.sock"},
                     .more = std::string(kOneWorker) + "timeouts: {write: 500ms}\n"}});
  server.expect_error("GET \"/endless\" aborted: the client has taken nothing of the response for timeouts.write");
  server.start();
  const auto workers = children_of(server.pid());
  Connection connection = Connection::to(server.listener("app"));
  const ScgiRequest request = ScgiRequest::get("/endless");
  ASSERT_TRUE(connection.send(request.head()));
  EXPECT_TRUE(server.wait_for_log("GET \"/endless\" aborted: the client has taken nothing of the response for"));

  Connection next = Connection::to(server.listener("app"));
  ASSERT_TRUE(next.send(request.head()));
  EXPECT_THAT(next.receive_some(100), HasSubstr("200 OK"));
  next.close();
  const Response response = connection.receive(request.reader([](std::string_view) {}));
  EXPECT_EQ(response.outcome, Outcome::kAborted) << response;
  EXPECT_TRUE(exists(workers.at(0))) << "the worker was not to die of it";
}

}  // namespace
}  // namespace harness
