// A plugin that does everything at once: body, page and a process of its own, over out->wait and the forms that do not
// wait (tests/plugins/pumps_both_ways.c).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "harness/processes.h"
#include "harness/scgi_request.h"
#include "harness/server.h"

namespace harness {
namespace {

using testing::HasSubstr;
using testing::Not;

// The index is that of the listener.
class FullDuplex : public testing::TestWithParam<std::size_t> {
 protected:
  FullDuplex()
      : server_({{.name = "app",
                  .plugin = fixture_file("pumps_both_ways"),
                  .listen = {"127.0.0.1:0", "unix:app.sock", "{address: \"127.0.0.1:0\", half_close: abort}",
                             "{address: unix:abort.sock, half_close: abort}"},
                  .more = "workers: {min: 1, max: 1}\n"}}) {
    server_.start();
  }

  static std::string body(std::size_t bytes) {
    std::string text;
    for (std::size_t i = 0; text.size() < bytes; ++i) text += std::to_string(i) + " ";
    text.resize(bytes);
    return text;
  }
  const Endpoint& listener() const { return server_.listener("app", GetParam()); }
  bool has_process() const { return descendants_of(server_.pid()).size() > 1; }

  Server server_;
};

INSTANTIATE_TEST_SUITE_P(Over, FullDuplex, testing::Values(0, 1),
                         [](const auto& road) { return std::string(road.param == 0 ? "Tcp" : "Unix"); });

TEST_P(FullDuplex, MegabytesBothWaysAtTheSameTime) {
  const std::string text = body(5'000'000);
  const Response response = fetch(listener(), ScgiRequest::post("/", text), kMuchPatience);
  EXPECT_TRUE(response.complete(200)) << response;
  EXPECT_TRUE(response.body == text);
}

TEST_P(FullDuplex, APageThatComesBeforeTheBodyIsRead) {
  const std::string text = body(1'000'000);
  auto request = ScgiRequest::post("/", text);
  const Response response = fetch(listener(), request.add("HTTP_X_BEFORE", "2000000"), kMuchPatience);
  EXPECT_TRUE(response.complete(200)) << response;
  EXPECT_TRUE(response.body == std::string(2'000'000, 'w') + text);
}

TEST_P(FullDuplex, AClientThatReadsLittleByLittle) {
  const std::string text = body(1'000'000);
  const auto request = ScgiRequest::post("/", text);
  Connection connection = Connection::to(listener());
  std::thread sender([&] { connection.send(request.bytes(), kMuchPatience); });
  std::string page;
  for (std::string piece; !(piece = connection.receive_some(997)).empty();) page += piece;
  sender.join();
  EXPECT_TRUE(page.ends_with("\r\n\r\n" + text)) << page.size() << " bytes";
}

TEST_P(FullDuplex, AClientThatLeavesInTheMiddle) {
  for (int i = 0; i < 10; ++i) {
    auto request = ScgiRequest::post("/", body(100));
    Connection connection = Connection::to(listener());
    ASSERT_TRUE(connection.send(request.add("HTTP_X_BEFORE", "100000000").bytes()));
    EXPECT_NE(connection.receive_some(1000), "");
    EXPECT_TRUE(has_process());
    connection.reset();
    EXPECT_TRUE(eventually([&] { return !has_process(); }));
  }
  EXPECT_TRUE(server_.at_rest());
}

// Nothing more is written: only the wait can tell.
TEST_P(FullDuplex, AClientThatLeavesWhileThereIsNothingToSay) {
  auto request = ScgiRequest::post("/", "body");
  Connection connection = Connection::to(listener());
  ASSERT_TRUE(connection.send(request.add("HTTP_X_STAYS", "1").bytes()));
  EXPECT_THAT(connection.receive_some(1000), HasSubstr("Status: 200"));
  EXPECT_TRUE(has_process());
  connection.reset();
  EXPECT_TRUE(eventually([&] { return !has_process(); }));
  EXPECT_TRUE(server_.wait_for_log("POST \"/\": the client closed the connection"));
}

// The other two listeners.
TEST_P(FullDuplex, WithHalfCloseAbortAnEndOfTheHalfIsEnough) {
  auto request = ScgiRequest::post("/", "body");
  Connection connection = Connection::to(server_.listener("app", GetParam() + 2));
  ASSERT_TRUE(connection.send(request.add("HTTP_X_STAYS", "1").bytes()));
  EXPECT_THAT(connection.receive_some(1000), HasSubstr("Status: 200"));
  EXPECT_TRUE(has_process());
  connection.shut_down_sending();
  EXPECT_TRUE(eventually([&] { return !has_process(); }));
  const Response response = connection.receive(request.reader());
  EXPECT_EQ(response.ending, Ending::kReset) << response;
  EXPECT_TRUE(server_.wait_for_log("POST \"/\": the client closed the connection"));
}

TEST_P(FullDuplex, WithHalfCloseAnswerItIsNot) {
  auto request = ScgiRequest::post("/", "body");
  Connection connection = Connection::to(listener());
  ASSERT_TRUE(connection.send(request.bytes()));
  connection.shut_down_sending();
  const Response response = connection.receive(request.reader());
  EXPECT_TRUE(response.complete(200)) << response;
  EXPECT_EQ(response.body, "body");
  EXPECT_THAT(server_.log(), Not(HasSubstr("the client closed")));
}

}  // namespace
}  // namespace harness
