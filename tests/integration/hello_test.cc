// The smallest thing that a user can do: name a plugin and its port, and get its page.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "harness/processes.h"
#include "harness/scgi_request.h"
#include "harness/server.h"

namespace harness {
namespace {

using testing::HasSubstr;

TEST(Hello, AnswersOnTcpAndUnixSockets) {
  Server server(
      {{.name = "hello", .plugin = plugin_file("hello"), .listen = {"127.0.0.1:0", "unix:hello.sock"}},
       {.name = "hello_cc", .plugin = plugin_file("hello_cc"), .listen = {"127.0.0.1:0", "unix:hello_cc.sock"}}});
  server.start();
  EXPECT_EQ(server.listener("hello", 1).path, server.folder() / "hello.sock");
  for (const std::string app : {"hello", "hello_cc"}) {
    for (const std::size_t listener : {0, 1}) {
      const Response response = fetch(server.listener(app, listener), ScgiRequest::get("/"));
      EXPECT_TRUE(response.complete(200)) << app << ": " << response;
      EXPECT_EQ(response.ending, Ending::kEof);
      EXPECT_THAT(response.body, HasSubstr("Hello"));
      EXPECT_EQ(response.header("Content-Length"), std::to_string(response.body.size()));
    }
  }
}

TEST(Hello, SendsTheSameHeadButNoBodyForHead) {
  Server server({App{.name = "hello", .plugin = plugin_file("hello")}});
  server.start();
  const Response page = fetch(server.listener("hello"), ScgiRequest::get("/"));
  const Response head = fetch(server.listener("hello"), ScgiRequest("HEAD", "/"));
  EXPECT_TRUE(head.complete(200)) << head;
  EXPECT_EQ(head.raw_head, page.raw_head);
  EXPECT_EQ(head.body, "");
}

TEST(Hello, StartsWithTheWorkersItWasToldAndNoOther) {
  Server server({App{.name = "hello", .plugin = plugin_file("hello"), .more = "workers: {min: 3, max: 5}"}});
  server.start();
  EXPECT_EQ(children_of(server.pid()).size(), 3u);
  EXPECT_EQ(descendants_of(server.pid()).size(), 3u);
}

TEST(Hello, LeavesNothingBehindAfterAThousandRequests) {
  Server server({App{.name = "hello",
                     .plugin = plugin_file("hello"),
                     .listen = {"127.0.0.1:0", "unix:hello.sock"},
                     .more = "workers: {min: 2, max: 2}"}});
  server.start();
  for (std::size_t i = 0; i < 1000; ++i) {
    const Response response = fetch(server.listener("hello", i % 2), ScgiRequest::get("/"));
    ASSERT_TRUE(response.complete(200)) << response;
  }
  EXPECT_TRUE(server.at_rest());
}

TEST(Hello, StopsWithExitStatusZero) {
  for (const int signal : {SIGTERM, SIGQUIT, SIGINT}) {
    Server server({App{.name = "hello", .plugin = plugin_file("hello"), .listen = {"127.0.0.1:0", "unix:hello.sock"}}});
    server.start();
    EXPECT_TRUE(fetch(server.listener("hello"), ScgiRequest::get("/")).complete(200));
    EXPECT_EQ(server.stop(signal), ExitStatus::exited(0));
    EXPECT_EQ(fetch(server.listener("hello"), ScgiRequest::get("/")).outcome, Outcome::kRefused);
  }
}

TEST(Hello, SaysWhyItDoesNotStartWithoutItsPlugin) {
  Server server({App{.name = "hello", .plugin = "/no/such/plugin.so"}});
  server.expect_error(
      "app \"hello\": generation 1 failed at IMAGED: open /no/such/plugin.so: No such file or directory");
  server.expect_error("app \"hello\": degraded: no worker lives and the last one could not start; answering 503");
  server.expect_error("could not start: no app could be started");
  server.launch();
  EXPECT_EQ(server.wait(), ExitStatus::exited(1));
  EXPECT_THAT(server.log(), HasSubstr("/no/such/plugin.so"));
}

}  // namespace
}  // namespace harness
