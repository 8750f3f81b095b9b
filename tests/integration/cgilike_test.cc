// CGI programs as plugins, in the real server: what they do to 0, 1, 2 and the environment, the next request never
// notices.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/processes.h"
#include "harness/scgi_request.h"
#include "harness/server.h"

namespace harness {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

// The index is that of the listener: TCP, Unix.
class CgiLike : public testing::TestWithParam<std::size_t> {
 protected:
  CgiLike()
      : server_({{.name = "app",
                  .plugin = fixture_file("cgilike_as_told"),
                  .listen = {"127.0.0.1:0", "unix:app.sock"},
                  .more = "workers: {min: 1, max: 1}\nenvironment: {HOME: /home/of/the/app}\n"}}) {}

  void start() {
    server_.start();
    worker_ = only_worker();
  }
  pid_t only_worker() const { return children_of(server_.pid()).at(0).pid; }

  Response ask(const std::string& what, std::string body = {}) {
    return fetch(server_.listener("app", GetParam()), ScgiRequest::post("/deed?" + what, std::move(body)),
                 kMuchPatience);
  }
  void expect_page(const std::string& what, const std::string& body, const std::string& page) {
    const Response response = ask(what, body);
    EXPECT_TRUE(response.complete(200)) << what << ": " << response;
    EXPECT_EQ(response.body, page) << what;
  }
  // By the same worker, which has forgotten the request before.
  void expect_fresh() {
    const Response response = ask("", "one line\nand another");
    EXPECT_TRUE(response.complete(200)) << response;
    EXPECT_THAT(response.body, AllOf(HasSubstr("HOME=/home/of/the/app\n"), HasSubstr("REQUEST_METHOD=POST\n"),
                                     EndsWith("\n\none line\nand another\n16\n"), Not(HasSubstr("LEFT_BEHIND"))));
    expect_page("stdin", "abc", "3 294\n");
    EXPECT_EQ(only_worker(), worker_);
  }

  Server server_;
  pid_t worker_ = 0;
};

INSTANTIATE_TEST_SUITE_P(Over, CgiLike, testing::Values(0, 1),
                         [](const auto& road) { return std::string(road.param == 0 ? "Tcp" : "Unix"); });

TEST_P(CgiLike, HasTheRequestAsACgiProgramHasIt) {
  start();
  for (int i = 0; i < 5; ++i) expect_fresh();
  const Response response = fetch(server_.listener("app", GetParam()),
                                  ScgiRequest::get("/").add("HTTP_PROXY", "http://evil").add("PATH", "/of/the/front"));
  EXPECT_TRUE(response.complete(200)) << response;
  EXPECT_THAT(response.body, AllOf(Not(HasSubstr("evil")), Not(HasSubstr("/of/the/front"))));
}

TEST_P(CgiLike, TenMegabytesEachWay) {
  start();
  for (const char* how : {"cin", "stdin", "read"}) {
    expect_page(how, std::string(10'000'000, 'x'), "10000000 1200000000\n");
  }
  const Response response = ask("big");
  EXPECT_TRUE(response.complete(200)) << response;
  EXPECT_EQ(response.body.size(), 10'000'000U);
}

TEST_P(CgiLike, OutputBeforeInputAndNoInputAtAll) {
  start();
  const std::string body(3'000'000, 'b');
  expect_page("before", body, std::string(200'000, 'w') + body);
  expect_page("deaf", body, "page");
  expect_fresh();
}

TEST_P(CgiLike, WhatItClosesReplacesOrChangesIsPutBack) {
  start();
  for (const char* what : {"closes", "shuffles", "formats"}) {
    expect_page(what, "body", "page");
    expect_fresh();
  }
  expect_page("changes", "", "/home/of/the/app\n");
  expect_page("forks", "", "first second");
  expect_fresh();
}

TEST_P(CgiLike, FailuresAreAClean500) {
  server_.expect_error("POST \"/deed?fails\" answered 500: the program returned 3");
  server_.expect_error("POST \"/deed?throws\" answered 500: out of paper");
  server_.expect_error("POST \"/deed?nothing\" answered 500: the plugin has written nothing");
  start();
  for (const char* what : {"fails", "throws", "nothing"}) {
    const Response response = ask(what);
    EXPECT_TRUE(response.complete(500)) << what << ": " << response;
    EXPECT_THAT(response.body, Not(HasSubstr("page"))) << what;
    expect_fresh();
  }
}

TEST_P(CgiLike, AnExitIsADeathAndA502) {
  server_.expect_error("exited with status 0 with POST \"/deed?exits\" since * s; answered 502");
  start();
  EXPECT_TRUE(ask("exits").complete(502));
  expect_page("deaf", "", "page");
}

TEST_P(CgiLike, ABodyThatBreaksOffIsA400AndTheProgramDoesNotRun) {
  start();
  Connection connection = Connection::to(server_.listener("app", GetParam()));
  const ScgiRequest request = ScgiRequest::post("/deed?logs", std::string(10, 'b'));
  const std::string bytes = request.bytes();
  ASSERT_TRUE(connection.send(bytes.substr(0, bytes.size() - 1)));
  connection.shut_down_sending();
  const Response response = connection.receive(request.reader());
  EXPECT_TRUE(response.complete(400)) << response;
  expect_fresh();
  EXPECT_THAT(server_.log(), Not(HasSubstr("a line for the log")));
}

TEST_P(CgiLike, StandardErrorStaysTheLog) {
  start();
  expect_page("logs", "", "page");
  EXPECT_TRUE(server_.wait_for_log(" stderr: a line for the log\n"));
}

}  // namespace
}  // namespace harness
