// What a plugin does to its own request. The client gets the right status, a worker lives if it can, and the next
// request never notices. (Hangs: timeout_test. Deaths: kill_test. At the start: start_failure_test.)
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <ostream>

#include "harness/connection.h"
#include "harness/processes.h"
#include "harness/scgi_request.h"
#include "harness/site.h"
#include "harness/stop_point.h"

namespace harness {
namespace {

using testing::HasSubstr;
using testing::Not;

struct Deed {
  const char* name;  // as the fixture calls it
  int status;
  const char* error;  // a part of the log's line
};

std::ostream& operator<<(std::ostream& out, const Deed& deed) {
  return out << deed.name;
}

class PluginFaults : public testing::TestWithParam<Deed> {
 protected:
  static App app(const char* fixture, const std::string& more = {}) {
    return {.name = "app",
            .plugin = fixture_file(fixture),
            .listen = {"127.0.0.1:0", "unix:app.sock"},
            .more = "workers: {min: 1, max: 1}\n" + more};
  }

  // Asks for the deed and then for a page, by both listeners.
  static void ask_twice(Server& server, const char* variable) {
    for (const std::size_t listener : {0, 1}) {
      const Response response =
          fetch(server.listener("app", listener), ScgiRequest::get("/deed").add(variable, GetParam().name));
      EXPECT_TRUE(response.complete(GetParam().status)) << response;
      EXPECT_EQ(response.ending, Ending::kEof);
      EXPECT_THAT(response.body, Not(HasSubstr("secret")));
      const Response next = fetch(server.listener("app", listener), ScgiRequest::get("/"));
      EXPECT_TRUE(next.complete(200)) << next;
    }
  }

  static pid_t only_worker(const Server& server) { return children_of(server.pid()).at(0).pid; }
};

class Thrown : public PluginFaults {};

INSTANTIATE_TEST_SUITE_P(Is, Thrown,
                         testing::Values(Deed{"exception", 500, "an exception left produce: the secret of the plugin"},
                                         Deed{"escapes", 500,
                                              "an exception left produce: \\x1b[31mred\\nand a second line"},
                                         Deed{"long", 500, "an exception left produce: xxx"},
                                         Deed{"int", 500, "an exception that is no std::exception left produce"},
                                         Deed{"destructor", 500, "an exception left produce: from a destructor"}),
                         testing::PrintToStringParamName());

TEST_P(Thrown, IsAnswered500AndTheWorkerLives) {
  Server server({app("throws_as_told")});
  server.expect_error(fmt::format("GET \"/deed\" answered 500: {}", GetParam().error));
  server.start();
  const pid_t worker = only_worker(server);
  ask_twice(server, "HTTP_X_THROW");
  EXPECT_EQ(only_worker(server), worker);
}

class ThrownWhereNothingMay : public PluginFaults {};

INSTANTIATE_TEST_SUITE_P(Is, ThrownWhereNothingMay, testing::Values(Deed{"noexcept", 502, ""}, Deed{"thread", 502, ""}),
                         testing::PrintToStringParamName());

TEST_P(ThrownWhereNothingMay, IsADeath) {
  Server server({app("throws_as_told")});
  server.expect_error("died of signal 6 (Aborted) with GET \"/deed\" since * s; answered 502");
  server.start();
  ask_twice(server, "HTTP_X_THROW");
}

// The sanitizers' shadow takes more address space than there would be.
TEST(NotSanitizedOutOfMemory, IsABadAllocAndTheWorkerLives) {
  Server server({{.name = "app",
                  .plugin = fixture_file("throws_as_told"),
                  .more = "workers: {min: 1, max: 1}\nrlimits: {as: 512M}\n"}});
  server.expect_error("GET \"/\" answered 500: an exception left produce: std::bad_alloc");
  server.start();
  const auto ask = [&](ScgiRequest request) { return fetch(server.listener("app"), request); };
  const std::string worker = ask(ScgiRequest::get("/")).body;
  for (int i = 0; i < 3; ++i) {
    const Response response = ask(ScgiRequest::get("/").add("HTTP_X_THROW", "bad_alloc"));
    EXPECT_TRUE(response.complete(500)) << response;
    EXPECT_EQ(ask(ScgiRequest::get("/")).body, worker);
  }
}

// How pthread_exit ends is a race: the channel is closed, so the master kills, unless the process is faster.
class Left : public PluginFaults {};

INSTANTIATE_TEST_SUITE_P(By, Left,
                         testing::Values(Deed{"exit", 502, "exited with status 3"},
                                         Deed{"pthread_exit", 502, "worker *"},
                                         Deed{"overflow", 502, "died of signal 11 (Segmentation fault)"}),
                         testing::PrintToStringParamName());

TEST_P(Left, IsADeath) {
  Server server({app("leaves_as_told")});
  server.expect_error(fmt::format("{} with GET \"/deed\" since * s; answered 502", GetParam().error));
  server.start();
  ask_twice(server, "HTTP_X_LEAVE");
}

// The sanitizers have their own opinion of that.
// Into a frame that is gone: anything may happen in the worker. Its client gets an answer all the same.
TEST(NotSanitizedLongjmp, OutOfARequestIsADeath) {
  Server server({{.name = "app",
                  .plugin = fixture_file("leaves_as_told"),
                  .more = "workers: {min: 1, max: 1}\ntimeouts: {request: 1s}\n"}});
  server.expect_error("worker *");
  server.start();
  const Response response = fetch(server.listener("app"), ScgiRequest::get("/").add("HTTP_X_LEAVE", "longjmp"));
  EXPECT_TRUE(response.complete(502) || response.complete(504)) << response;
  EXPECT_TRUE(fetch(server.listener("app"), ScgiRequest::get("/")).complete(200));
}

class Refused : public PluginFaults {};

INSTANTIATE_TEST_SUITE_P(Is, Refused,
                         testing::Values(Deed{"crlf", 500, "X-Split"}, Deed{"cr", 500, "X-Split"},
                                         Deed{"nul", 500, "X-Nul"},
                                         Deed{"no_name", 500, "header line 2 has no name in front of its colon"},
                                         Deed{"no_colon", 500, "nothing"}, Deed{"two_lengths", 500, "Content-Length"},
                                         Deed{"no_block", 500, "the response ends before its header block is complete"},
                                         Deed{"nothing", 500, "the plugin has written nothing"}),
                         testing::PrintToStringParamName());

TEST_P(Refused, IsAnswered500AndTheWorkerLives) {
  Server server({app("answers_as_told")});
  server.expect_error(fmt::format("GET \"/deed\" answered 500: *{}", GetParam().error));
  server.start();
  const pid_t worker = only_worker(server);
  ask_twice(server, "HTTP_X_ANSWER");
  EXPECT_EQ(only_worker(server), worker);
}

TEST(Constructor, PrintsIntoTheLogAndIntoNoResponse) {
  Server server({{.name = "app", .plugin = fixture_file("constructor_prints")}});
  server.start();
  EXPECT_EQ(fetch(server.listener("app"), ScgiRequest::get("/")).body, "printed\n");
  EXPECT_TRUE(server.wait_for_log(" stdout: printed by a constructor\n"));
}

class WithoutBody : public testing::TestWithParam<int> {};

INSTANTIATE_TEST_SUITE_P(Is, WithoutBody, testing::Values(204, 304));

TEST_P(WithoutBody, WhateverThePluginWrites) {
  Server server(
      {{.name = "app", .plugin = fixture_file("answers_as_told"), .listen = {"127.0.0.1:0", "unix:app.sock"}}});
  server.start();
  for (const std::size_t listener : {0, 1}) {
    const Response response =
        fetch(server.listener("app", listener), ScgiRequest::get("/").add("HTTP_X_ANSWER", std::to_string(GetParam())));
    EXPECT_EQ(response.status, GetParam()) << response;
    EXPECT_EQ(response.header("X-Kept"), "yes");
    EXPECT_EQ(response.body, "");
    EXPECT_EQ(response.ending, Ending::kEof);
  }
}

// Its client has sent a part of the body and waits for the response: on a Unix socket, nothing else could reset it.
TEST(BegunAndGivenUp, BeforeTheBodyHasComeIsAReset) {
  Server server(
      {{.name = "app", .plugin = fixture_file("misbehaves_as_told"), .listen = {"127.0.0.1:0", "unix:app.sock"}}});
  server.expect_error("POST \"/deed\" aborted: produce returned 2");
  server.start();
  for (const std::size_t listener : {0, 1}) {
    const std::string request = ScgiRequest::post("/deed", "0123456789").add("HTTP_X_DO", "give_up").bytes();
    Connection client = Connection::to(server.listener("app", listener));
    ASSERT_TRUE(client.send(request.substr(0, request.size() - 8)));
    const Response response = client.receive(ResponseReader(Dialect::kScgi, "POST"));
    EXPECT_EQ(response.status, 200) << response;
    EXPECT_EQ(response.ending, Ending::kReset) << response;
  }
}

TEST(FileThatIsTooLarge, CostsItsRequestAndNotTheWorker) {
  Server server({{.name = "app",
                  .plugin = plugin_file("echo"),
                  .listen = {"127.0.0.1:0", "unix:app.sock"},
                  .more = "workers: {min: 1, max: 1}\nrlimits: {fsize: 1M}\n"}});
  server.expect_error("POST \"/file\" answered 500: *writing a temporary file: File too large");
  server.start();
  const pid_t worker = children_of(server.pid()).at(0).pid;
  for (const std::size_t listener : {0, 1}) {
    const Response response =
        fetch(server.listener("app", listener), ScgiRequest::post("/file", std::string(3'000'000, 'b')));
    EXPECT_TRUE(response.complete(500)) << response;
    EXPECT_EQ(children_of(server.pid()).at(0).pid, worker);
  }
}

class KeptConnection : public testing::TestWithParam<Road> {};

INSTANTIATE_TEST_SUITE_P(By, KeptConnection,
                         testing::Values(Road::kTcp, Road::kUnix, Road::kNginxTcp, Road::kNginxUnix),
                         testing::PrintToStringParamName());

// The child holds the connection, and outlives the response.
TEST_P(KeptConnection, ByAChildOfThePluginDoesNotHoldTheResponseOpen) {
  Site site(GetParam(), "workers: {min: 1, max: 1}\n");
  site.server().expect_error("died of signal 9 (Killed) while idle");
  StopPoint stop_point;
  Site::Asked asked = site.ask("/forks", {{"X-Stop", "before"}, {"X-Control", stop_point.path()}}, {});
  Stopped worker = stop_point.wait();
  worker.fork_child();
  Stopped child = stop_point.wait();
  worker.go_on();
  EXPECT_EQ(writer_of_whole_page(asked.response()), worker.pid());
  EXPECT_TRUE(find_process(child.pid()));
  EXPECT_EQ(writer_of_whole_page(site.ask("/next", {}, {}).response()), worker.pid());
  ASSERT_TRUE(eventually([&] { return is_asleep(worker.pid()); }));
  site.server().signal_worker(worker.pid(), SIGKILL);
  EXPECT_TRUE(wait_until_gone(child.pid())) << "it is of its worker's process group";
}

}  // namespace
}  // namespace harness
