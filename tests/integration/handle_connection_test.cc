// A plugin that has the connection itself: what it sends is what arrives, and what breaks off never looks whole.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/processes.h"
#include "harness/scgi_request.h"
#include "harness/server.h"

namespace harness {
namespace {

using testing::HasSubstr;

// The index is that of the listener: TCP, Unix.
class HandleConnection : public testing::TestWithParam<std::size_t> {
 protected:
  HandleConnection()
      : server_({{.name = "app",
                  .plugin = fixture_file("speaks_for_itself"),
                  .listen = {"127.0.0.1:0", "unix:app.sock"},
                  .more = "workers: {min: 1, max: 1}\ntimeouts: {request: 1s}\n"
                          "access_log: {file: access.log, format: '$method $uri $status $bytes $ending'}\n"}}) {}

  void start() {
    server_.start();
    worker_ = only_worker();
  }
  pid_t only_worker() const { return children_of(server_.pid()).at(0).pid; }
  Endpoint endpoint() const { return server_.listener("app", GetParam()); }

  static ScgiRequest told(const std::string& what) { return ScgiRequest::get("/deed").add("HTTP_X_DO", what); }

  void expect_page() {
    const ScgiRequest request = ScgiRequest::get("/next");
    const Response response = fetch(endpoint(), request);
    EXPECT_TRUE(response.complete(201)) << response;
    EXPECT_EQ(response.ending, Ending::kEof);
    EXPECT_EQ(response.body, "0 along\n" + request.head());
  }
  void expect_abort(const std::string& what, const std::string& error) {
    server_.expect_error(error);
    start();
    const Response response = fetch(endpoint(), told(what));
    EXPECT_EQ(response.outcome, Outcome::kAborted) << response;
    EXPECT_EQ(response.ending, Ending::kReset) << response;
    expect_page();
    EXPECT_EQ(server_.stop(), ExitStatus::exited(0));
    EXPECT_EQ(read_file(server_.folder() / "access.log"), "GET /deed 0 0 aborted\nGET /next 0 0 complete\n");
  }

  Server server_;
  pid_t worker_ = 0;
};

INSTANTIATE_TEST_SUITE_P(Over, HandleConnection, testing::Values(0, 1),
                         [](const auto& road) { return std::string(road.param == 0 ? "Tcp" : "Unix"); });

TEST_P(HandleConnection, AnswersAndTheNextRequestIsAnotherConnection) {
  start();
  for (int i = 0; i < 20; ++i) expect_page();
  EXPECT_EQ(only_worker(), worker_);
}

TEST_P(HandleConnection, GetsEachByteOfABodyOnceHoweverItComes) {
  start();
  const std::string body(300'000, 'b');
  const ScgiRequest request = ScgiRequest::post("/", body);
  for (const std::size_t piece : {std::size_t{1'000'000}, std::size_t{70'000}, std::size_t{4'000}}) {
    Connection connection = Connection::to(endpoint());
    ASSERT_TRUE(connection.send_in_pieces(request.bytes(), piece));
    const Response response = connection.receive(request.reader());
    EXPECT_TRUE(response.complete(201)) << response;
    EXPECT_TRUE(response.body.ends_with(" along\n" + request.bytes())) << response;
  }
  // The body behind the head, when the plugin waits for it already.
  Connection connection = Connection::to(endpoint());
  ASSERT_TRUE(connection.send(request.head()));
  ASSERT_TRUE(eventually([&] { return is_asleep(worker_); }));
  ASSERT_TRUE(connection.send(body));
  const Response response = connection.receive(request.reader());
  EXPECT_TRUE(response.complete(201)) << response;
  EXPECT_TRUE(response.body.ends_with(" along\n" + request.bytes())) << response;
}

TEST_P(HandleConnection, ADeathBeforeTheFirstByteIsAnAbort) {
  expect_abort(
      "die",
      "died of signal 9 (Killed) with GET \"/deed\" since * s; the plugin had the connection itself, which is aborted");
}

// What was answered before has a status of its own.
TEST_P(HandleConnection, ADeathBehindABadRequestIsToldAsOne) {
  start();
  Connection bad = Connection::to(endpoint());
  ASSERT_TRUE(bad.send("3:bad,"));
  EXPECT_EQ(bad.receive(ResponseReader(Dialect::kScgi, "GET")).status, 400);
  server_.expect_error(
      "died of signal 9 (Killed) with GET \"/deed\" since * s; the plugin had the connection itself, which is aborted");
  EXPECT_EQ(fetch(endpoint(), told("die")).outcome, Outcome::kAborted);
}

TEST_P(HandleConnection, ADeathAfterTheFirstByteIsAnAbort) {
  expect_abort(
      "die_late",
      "died of signal 9 (Killed) with GET \"/deed\" since * s; the plugin had the connection itself, which is aborted");
}

TEST_P(HandleConnection, AFailureIsAnAbort) {
  expect_abort("fail", "GET \"/deed\" aborted: handle_connection returned 7");
}

TEST_P(HandleConnection, AFailureAfterTheFirstByteIsAnAbort) {
  expect_abort("fail_late", "GET \"/deed\" aborted: handle_connection returned 7");
}

TEST_P(HandleConnection, OneThatHangsIsKilledByTimeoutsRequest) {
  expect_abort("hang_late",
               "killed by timeouts.request with GET \"/deed\" since * s; the plugin had the connection itself, which "
               "is aborted");
}

// With the descriptor, the worker's own hold on the connection is gone: the master's is what is reset.
TEST_P(HandleConnection, OneThatClosesTheDescriptorEndsItsWorker) {
  server_.expect_error("leaves: the plugin has closed the descriptor of its connection");
  server_.expect_error("exited with status 1 with GET \"/deed\" since * s; *");
  start();
  for (const char* what : {"close", "close_late", "replace"}) {
    const Response response = fetch(endpoint(), told(what));
    EXPECT_EQ(response.outcome, Outcome::kAborted) << what << ": " << response;
    expect_page();
  }
}

TEST_P(HandleConnection, WhatItSetsOnTheOpenFileHarmsNobody) {
  start();
  const Response response = fetch(endpoint(), told("nonblocking"));
  EXPECT_TRUE(response.complete(201)) << response;
  expect_page();
  EXPECT_EQ(only_worker(), worker_);
}

// The duplicate lives as long as the worker: the end of the response does not wait for it.
TEST_P(HandleConnection, ADuplicateThatIsKeptDoesNotHoldTheResponseOpen) {
  server_.expect_error("died of signal 9 (Killed) while idle");
  start();
  const Response response = fetch(endpoint(), told("keep"));
  EXPECT_TRUE(response.complete(201)) << response;
  EXPECT_EQ(response.ending, Ending::kEof);
  ASSERT_TRUE(eventually([&] { return is_asleep(worker_); }));
  server_.signal_worker(worker_, 9);  // so that the next one has the descriptors that a worker has at rest
  EXPECT_TRUE(eventually([&] { return !find_process(worker_); }));
  expect_page();
}

TEST_P(HandleConnection, StandardDescriptorsThatAreClosedEndTheWorkerButNoRequest) {
  server_.expect_error("leaves: the plugin has closed its standard input (descriptor 0)");
  server_.expect_error("worker *");
  start();
  EXPECT_TRUE(fetch(endpoint(), told("standard")).complete(201));
  expect_page();
}

TEST_P(HandleConnection, AMalformedHeadIsAnswered400WithoutIt) {
  start();
  Connection connection = Connection::to(endpoint());
  ASSERT_TRUE(connection.send("3:bad,"));
  const Response response = connection.receive(ResponseReader(Dialect::kScgi, "GET"));
  EXPECT_TRUE(response.complete(400)) << response;
  expect_page();
}

TEST_P(HandleConnection, AClientThatLeavesIsNoError) {
  start();
  Connection leaves = Connection::to(endpoint());
  ASSERT_TRUE(leaves.send(told("stream").head()));
  EXPECT_THAT(leaves.receive_some(100), HasSubstr("200"));
  leaves.reset();
  EXPECT_TRUE(server_.wait_for_log("GET \"/deed\": the client closed the connection"));
  expect_page();
  EXPECT_EQ(only_worker(), worker_);
}

}  // namespace
}  // namespace harness
