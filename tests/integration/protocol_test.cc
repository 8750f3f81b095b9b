// What clients get wrong, and what they do that is unusual but right, over both kinds of sockets.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <ostream>
#include <vector>

#include "harness/processes.h"
#include "harness/scgi_request.h"
#include "harness/server.h"
#include "harness/shipped.h"

namespace harness {
namespace {

using namespace std::string_literals;
using testing::HasSubstr;

struct Malformed {
  const char* name;
  std::string bytes;
  int status;
  const char* reason;  // a part of what the log says
};

std::ostream& operator<<(std::ostream& out, const Malformed& malformed) {
  return out << malformed.name;
}

std::string netstring(const std::string& block) {
  return std::to_string(block.size()) + ":" + block + ",";
}

std::string head_with(const std::string& more) {
  return netstring("CONTENT_LENGTH\0000\0SCGI\0001\0REQUEST_METHOD\0GET\0REQUEST_URI\0/\0"s + more);
}

std::string many_variables(int count) {
  std::string block;
  for (int i = 0; i < count; ++i) block += fmt::format("V{}", i) + "\0\0"s;
  return head_with(block);
}

// hello and echo, each on TCP (0) and on a Unix socket (1), with one worker.
class Protocol : public testing::Test {
 protected:
  Protocol() : server_({app("hello"), app("echo")}) {}

  void SetUp() override {
    server_.start();
    workers_ = pids();
  }

  static App app(const std::string& name) {
    return shipped_app(name, "workers: {min: 1, max: 1}\nlimits: {body: 1M}\n");
  }

  void expect_same_workers() { EXPECT_EQ(pids(), workers_) << "a worker has died of it"; }

  std::vector<pid_t> pids() const {
    std::vector<pid_t> result;
    for (const Process& process : children_of(server_.pid())) result.push_back(process.pid);
    return result;
  }

  Server server_;
  std::vector<pid_t> workers_;
};

class MalformedRequest : public Protocol, public testing::WithParamInterface<Malformed> {};

INSTANTIATE_TEST_SUITE_P(
    With, MalformedRequest,
    testing::Values(
        Malformed{"http", "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", 400, "this looks like HTTP"},
        Malformed{"tls", "\x16\x03\x01\x02"s + std::string(200, '\0'), 400, "this looks like TLS"},
        Malformed{"leading_zero", "05:hello,", 400, "no leading zero"},
        Malformed{"no_colon", "12;", 400, "expected a digit or"}, Malformed{"huge_head", "65537:", 431, "limits.head"},
        Malformed{"endless_length", std::string(100, '9'), 431, "limits.head"},
        Malformed{"no_comma", netstring(std::string(30, 'x')).replace(33, 1, ";"), 400,
                  "behind the header block of 30 bytes"},
        Malformed{"no_scgi", netstring("CONTENT_LENGTH\0000\0REQUEST_METHOD\0GET\0"s), 400,
                  "the variable SCGI is missing"},
        Malformed{"length_not_first", netstring("SCGI\0001\0CONTENT_LENGTH\0000\0"s), 400,
                  "SCGI begins with CONTENT_LENGTH"},
        Malformed{"length_with_sign", netstring("CONTENT_LENGTH\0+1\0SCGI\0001\0"s), 400, "expected digits"},
        Malformed{"odd_number_of_strings", netstring("CONTENT_LENGTH\0000\0SCGI\0"s), 400, "odd number of strings"},
        Malformed{"name_twice", head_with("REQUEST_URI\0/other\0"s), 400, "REQUEST_URI"},
        Malformed{"line_break", head_with("HTTP_X\0a\r\nb\0"s), 400, "HTTP_X"},
        Malformed{"damaged_body", head_with("HTTP_CONTENT_LENGTH\0006\0"s), 400, "scgi_request_buffering"},
        Malformed{"too_many_variables", many_variables(1000), 431, "more than 1000 variables"},
        Malformed{"huge_body", ScgiRequest::get("/").promise(1u << 30).bytes(), 413, "limits.body"}),
    testing::PrintToStringParamName());

TEST_P(MalformedRequest, IsAnsweredAndExplained) {
  for (const std::size_t listener : {0, 1}) {
    Connection connection = Connection::to(server_.listener("hello", listener));
    ASSERT_TRUE(connection.send(GetParam().bytes));
    const Response response = connection.receive(ResponseReader(Dialect::kScgi, "GET"));
    EXPECT_TRUE(response.complete(GetParam().status)) << response;
    EXPECT_EQ(response.ending, Ending::kEof);
    EXPECT_TRUE(fetch(server_.listener("hello", listener), ScgiRequest::get("/")).complete(200));
  }
  std::size_t lines = 0;
  const std::string log = server_.log();
  for (auto at = log.find("refused with " + std::to_string(GetParam().status)); at != log.npos; ++lines) {
    EXPECT_THAT(log.substr(at, log.find('\n', at) - at), HasSubstr(GetParam().reason));
    at = log.find("refused with ", at + 1);
  }
  EXPECT_EQ(lines, 2u);
  expect_same_workers();
}

TEST_F(Protocol, ABodyThatEndsEarlyIsAnswered400) {
  for (const std::size_t listener : {0, 1}) {
    Connection connection = Connection::to(server_.listener("echo", listener));
    const ScgiRequest request = ScgiRequest::post("/", pattern_body(1000));
    ASSERT_TRUE(connection.send(request.bytes().substr(0, request.head().size() + 999)));
    connection.shut_down_sending();
    const Response response = connection.receive(request.reader());
    EXPECT_TRUE(response.complete(400)) << response;
  }
  EXPECT_THAT(server_.log(), HasSubstr("the body is shorter than its Content-Length"));
  expect_same_workers();
}

// Once part of the page is out, the end has to be a reset: on a Unix socket too, where only an unread byte makes it
// one.
TEST_F(Protocol, ABodyThatEndsEarlyBehindThePagesBeginningIsAReset) {
  server_.expect_error("POST \"/?stream\" aborted: the body is shorter than its Content-Length");
  for (const std::size_t listener : {0, 1}) {
    Connection connection = Connection::to(server_.listener("echo", listener));
    const ScgiRequest request = ScgiRequest::post("/?stream", pattern_body(300'000));
    ASSERT_TRUE(connection.send(request.bytes().substr(0, request.head().size() + 200'000)));
    connection.shut_down_sending();
    const Response response = connection.receive(request.reader());
    EXPECT_EQ(response.status, 200) << response;
    EXPECT_EQ(response.ending, Ending::kReset) << response;
  }
  expect_same_workers();
}

TEST_F(Protocol, AnEndWithinTheHeadIsAQuietClose) {
  for (const std::size_t listener : {0, 1}) {
    for (const std::size_t bytes : {0, 1, 20}) {
      Connection connection = Connection::to(server_.listener("hello", listener));
      ASSERT_TRUE(connection.send(ScgiRequest::get("/").bytes().substr(0, bytes)));
      connection.shut_down_sending();
      const Response response = connection.receive(ResponseReader(Dialect::kScgi, "GET"));
      EXPECT_TRUE(response.raw_head.empty()) << response;
      EXPECT_NE(response.outcome, Outcome::kTimeout) << response;
    }
  }
  EXPECT_THAT(server_.log(), testing::Not(HasSubstr("refused")));
}

TEST_F(Protocol, AHalfClosedClientIsAnswered) {
  for (const std::size_t listener : {0, 1}) {
    for (const std::uint64_t size : {0, 1, 500'000}) {
      const ScgiRequest request = ScgiRequest::post("/", pattern_body(size));
      Connection connection = Connection::to(server_.listener("hello", listener));
      connection.send(request.bytes());
      connection.shut_down_sending();
      const Response response = connection.receive(request.reader());
      EXPECT_TRUE(response.complete(200)) << listener << ", " << size << ": " << response;
    }
  }
}

// Clients that are gone during the response: no error of anybody, as the log has no line of that level.
TEST_F(Protocol, AThousandClientsThatLeaveCostNothing) {
  const ScgiRequest request = ScgiRequest::post("/", pattern_body(10'000));
  for (int i = 0; i < 1000; ++i) {
    Connection connection = Connection::to(server_.listener("echo", i % 2));
    ASSERT_TRUE(connection.send(request.bytes()));
    // Before the answer comes, or somewhere in it.
    if (i % 4 < 2) connection.receive_some(1);
    connection.reset();
  }
  for (const std::size_t listener : {0, 1}) {
    EXPECT_TRUE(fetch(server_.listener("echo", listener), request).complete(200));
  }
  expect_same_workers();
}

TEST_F(Protocol, BytesBehindTheBodyAreNoSecondRequest) {
  const std::string surplus = ScgiRequest::get("/second").bytes();
  for (const std::size_t listener : {0, 1}) {
    for (const std::uint64_t size : {0, 1, 200'000}) {
      BodyCheck check(pattern_body(size));
      const ScgiRequest request = ScgiRequest::post("/", pattern_body(size));
      Connection connection = Connection::to(server_.listener("echo", listener));
      const Response response = connection.exchange(request.bytes() + surplus, Body{}, request.reader(check.sink()));
      EXPECT_TRUE(response.complete(200)) << listener << ", " << size << ": " << response;
      EXPECT_EQ(check.difference(), "");
    }
  }
  expect_same_workers();
}

TEST_F(Protocol, EarlyAnswersArriveWholeWithTheirBodiesUnread) {
  constexpr std::uint64_t kUnread = 4 << 20;
  const ScgiRequest too_large = ScgiRequest::post("/", repeated_body('x', kUnread));
  const ScgiRequest ignored = ScgiRequest::post("/", repeated_body('x', 1 << 20));
  for (int i = 0; i < 100; ++i) {
    const Response refused = fetch(server_.listener("hello", i % 2), too_large);
    ASSERT_TRUE(refused.complete(413)) << i << ": " << refused;
    const Response page = fetch(server_.listener("hello", i % 2), ignored);
    ASSERT_TRUE(page.complete(200)) << i << ": " << page;
  }
  expect_same_workers();
}

// What is still sent behind an answer is drained, for 2 s and 64 MiB at most (farewell.cc).
class Lingering : public Protocol {
 protected:
  static constexpr std::size_t kMostDrained = 64 << 20;
  // What the sockets hold that the master has not read.
  static constexpr std::size_t kInBuffers = 32 << 20;

  // A client on that listener whose answer is there, and more of whose request is to come: a 413 of the master's, or a
  // page of a plugin that does not read.
  Connection answered(std::size_t listener, bool refused) {
    const std::uint64_t promised = refused ? 1 << 30 : 1 << 20;
    Connection connection = Connection::to(server_.listener("hello", listener));
    EXPECT_TRUE(connection.send(ScgiRequest("POST", "/").promise(promised).head()));
    EXPECT_THAT(connection.receive_some(1000), testing::StartsWith(refused ? "Status: 413" : "Status: 200"));
    return connection;
  }

  // What does not end is ended by the test.
  static constexpr milliseconds kForEver = seconds(30);
};

TEST_F(Lingering, IsNotProlongedByWhoGoesOnSending) {
  const auto begin = std::chrono::steady_clock::now();
  std::vector<Connection> clients;
  for (const std::size_t listener : {0, 1}) {
    for (const bool refused : {false, true}) clients.push_back(answered(listener, refused));
  }
  const auto some_have_ended = [&] {
    return std::erase_if(clients, [](Connection& client) { return !client.send("x"); }) > 0;
  };
  EXPECT_TRUE(eventually(some_have_ended, kForEver, milliseconds(50)));
  EXPECT_GE(std::chrono::steady_clock::now() - begin, seconds(2));
  EXPECT_TRUE(eventually([&] { return some_have_ended() && clients.empty(); }, kForEver, milliseconds(50)));
  expect_same_workers();
}

TEST_F(Lingering, IsOverForWhoSendsMoreThanItDrains) {
  const std::string piece(1 << 20, 'x');
  for (const std::size_t listener : {0, 1}) {
    const auto begin = std::chrono::steady_clock::now();
    Connection client = answered(listener, true);
    std::size_t sent = 0;
    while (sent <= kMostDrained + kInBuffers && client.send(piece)) sent += piece.size();
    EXPECT_LE(sent, kMostDrained + kInBuffers);
    EXPECT_TRUE(sent + piece.size() >= kMostDrained || std::chrono::steady_clock::now() - begin >= seconds(2)) << sent;
  }
  expect_same_workers();
}

}  // namespace
}  // namespace harness
