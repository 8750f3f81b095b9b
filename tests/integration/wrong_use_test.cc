// What forklift/plugin.h says of wrong use, in the real server: each wrong call has its result, its line in the log and
// its response, and the worker serves on.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>
#include <string>

#include "harness/connection.h"
#include "harness/scgi_request.h"
#include "harness/server.h"

namespace harness {
namespace {

struct Misuse {
  const char* name;     // as the fixture calls it
  const char* results;  // of its calls, in their order
  int status;           // what the client sees
  Ending ending;
  const char* body;   // behind a reset: what was sent of it
  const char* error;  // what the log says; nullptr for nothing
};

std::ostream& operator<<(std::ostream& out, const Misuse& deed) {
  return out << deed.name;
}

constexpr char k500[] = "500 Internal Server Error\n";

constexpr Misuse kMisuses[] = {
    {"begin_twice", "0 -5 -5", 500, Ending::kEof, k500, "begin was called twice, or after the header block"},
    {"begin_behind_a_block", "0 -5", 500, Ending::kEof, k500, "begin was called twice, or after the header block"},
    {"write_before_begin", "0 -5 -5", 500, Ending::kEof, k500, "begin was called after write"},
    {"break_a_line", "-5 -5", 500, Ending::kEof, k500,
     "the header X-Split has a control character in its value: \"a\\r\\nSet-Cookie: b\""},
    {"break_a_line_with_cr", "-5 -5", 500, Ending::kEof, k500,
     "the header X-Split has a control character in its value: \"a\\rb\""},
    {"write_minus_one", "0 -5 -5", 500, Ending::kEof, k500, "write: data is NULL, or its size no size"},
    {"read_minus_one", "-5 -5", 500, Ending::kEof, k500, "read: buffer is NULL, or its size no size"},
    {"read_into_nothing", "-5 -5", 500, Ending::kEof, k500, "try_read: buffer is NULL, or its size no size"},
    {"read_on_behind_the_end", "4 0 0 0 0 0", 200, Ending::kEof, "page", nullptr},
    {"wait_for_unknown", "-5 -5", 500, Ending::kEof, k500, "wait: an interest that this server does not know"},
    {"wait_for_too_many", "-5 -5", 500, Ending::kEof, k500,
     "wait: more than 64 descriptors, or none where some were promised"},
    {"promise_less", "0 -5 -5", 500, Ending::kEof, k500, "the body is longer than its Content-Length of 3"},
    {"promise_less_and_flush", "0 0 0 -5", 200, Ending::kReset, "ab",
     "the body is longer than its Content-Length of 3"},
    {"promise_more", "0 0", 500, Ending::kEof, k500, "the body has 2 bytes and its Content-Length says 3"},
    {"promise_more_and_flush", "0 0 0", 200, Ending::kReset, "ab",
     "the body has 2 bytes and its Content-Length says 3"},
    {"flush_before_begin", "-5 -5", 500, Ending::kEof, k500, "flush before the header block is complete"},
    {"send_what_is_not_there", "0 -7", 500, Ending::kEof, k500, "send_file: *"},
};

App misused_app() {
  return {.name = "app",
          .plugin = fixture_file("uses_the_api_wrongly"),
          .listen = {"127.0.0.1:0", "unix:app.sock"},
          .more = "workers: {min: 1, max: 1}\n"};
}

std::string pid_of_worker(const Server& server, std::size_t listener) {
  const Response response = fetch(server.listener("app", listener), ScgiRequest::get("/"));
  EXPECT_TRUE(response.complete(200)) << response;
  return response.body;
}

class WrongUse : public testing::TestWithParam<Misuse> {};

INSTANTIATE_TEST_SUITE_P(Of, WrongUse, testing::ValuesIn(kMisuses), testing::PrintToStringParamName());

TEST_P(WrongUse, HasItsResultsItsResponseAndItsLineInTheLog) {
  const Misuse& deed = GetParam();
  Server server({misused_app()});
  if (deed.error != nullptr) {
    const std::string what = deed.ending == Ending::kReset ? "aborted" : fmt::format("answered {}", deed.status);
    server.expect_error(fmt::format("POST \"/deed\" {}: {}", what, deed.error));
  }
  server.start();
  const std::string worker = pid_of_worker(server, 0);
  for (const std::size_t listener : {0, 1}) {
    const Response response =
        fetch(server.listener("app", listener), ScgiRequest::post("/deed", "body").add("HTTP_X_WRONG", deed.name));
    EXPECT_EQ(response.status, deed.status) << response;
    EXPECT_EQ(response.ending, deed.ending) << response;
    EXPECT_EQ(response.body, deed.body);
    EXPECT_TRUE(server.wait_for_log(fmt::format("{}: {}\n", deed.name, deed.results)));
    EXPECT_EQ(pid_of_worker(server, listener), worker);
  }
}

TEST(WriteToNobody, IsNoErrorAndTheWorkerServesOn) {
  Server server({misused_app()});
  server.start();
  const std::string worker = pid_of_worker(server, 0);
  std::size_t lines = 0;
  for (const std::size_t listener : {0, 1}) {
    Connection client = Connection::to(server.listener("app", listener));
    ASSERT_TRUE(client.send(ScgiRequest::get("/deed").add("HTTP_X_WRONG", "write_to_nobody").bytes()));
    ASSERT_NE(client.receive_some(1000), "");
    client.reset();
    const auto said = [&] {
      lines = 0;
      const std::string log = server.log();
      for (std::size_t at = 0; (at = log.find("write_to_nobody: 0 0 4 0 -2 -2\n", at)) != log.npos; ++at) ++lines;
      return lines == listener + 1;
    };
    EXPECT_TRUE(eventually(said)) << server.log();
    EXPECT_EQ(pid_of_worker(server, listener), worker);
  }
  EXPECT_TRUE(server.wait_for_log("GET \"/deed\": the client closed the connection"));
}

}  // namespace
}  // namespace harness
