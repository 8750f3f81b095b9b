// What clients and other apps do that keep an app from nothing: silence, dribbling, lingering, hanging, crashing.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <poll.h>

#include <chrono>
#include <string>
#include <vector>

#include "harness/many_descriptors.h"
#include "harness/processes.h"
#include "harness/scgi_request.h"
#include "harness/server.h"

namespace harness {
namespace {

using testing::HasSubstr;
using SteadyTime = std::chrono::steady_clock::time_point;

// Connections that are to be answered when their time is over.
class Crowd {
 public:
  void join(const Endpoint& endpoint, std::string_view bytes) {
    const auto now = std::chrono::steady_clock::now();
    members_.push_back({Connection::to(endpoint), now});
    if (!bytes.empty()) send(members_.size() - 1, bytes);
  }
  void send(std::size_t member, std::string_view bytes) {
    EXPECT_TRUE(members_[member].connection.send(bytes)) << member;
  }
  std::size_t size() const { return members_.size(); }

  struct Answer {
    Response response;
    SteadyTime at;
  };

  // Waits for all answers, and does `meanwhile` again and again. What ends before `least` since its connection was made
  // has failed the test.
  template <typename Meanwhile>
  std::vector<Answer> answers(milliseconds least, const Meanwhile& meanwhile) {
    std::vector<pollfd> entries;
    for (const Member& member : members_) entries.push_back({member.connection.fd(), POLLIN, 0});
    std::vector<Answer> answers;
    const Deadline deadline(least + 4 * kPatience);
    while (answers.size() < members_.size() && !deadline.passed()) {
      const int ready = poll(entries.data(), entries.size(), 20);
      const auto now = std::chrono::steady_clock::now();
      for (std::size_t i = 0; ready > 0 && i < entries.size(); ++i) {
        if (entries[i].revents == 0) continue;
        EXPECT_GE(now - members_[i].since, least) << i;
        answers.push_back({members_[i].connection.receive(ResponseReader(Dialect::kScgi, "GET")), now});
        entries[i].fd = -1;
      }
      meanwhile();
    }
    EXPECT_EQ(answers.size(), members_.size()) << "so many have been answered in time";
    return answers;
  }

 private:
  struct Member {
    Connection connection;
    SteadyTime since;
  };
  std::vector<Member> members_;
};

constexpr std::size_t kSilent = 1000;
constexpr std::size_t kDribbling = 1000;
constexpr std::size_t kLingering = 200;

class Immunity : public testing::TestWithParam<const char*> {
 protected:
  static void SetUpTestSuite() { allow_many_descriptors(); }
};

INSTANTIATE_TEST_SUITE_P(On, Immunity, testing::Values("127.0.0.1:0", "unix:app.sock"),
                         [](const auto& listen) { return listen.index == 0 ? "Tcp" : "Unix"; });

// What the crowd costs the master: for each connection a record, of a few hundred bytes.
constexpr std::size_t kRecordKb = 1;
// And for a head that has begun, a buffer of 4 KiB.
constexpr std::size_t kBufferKb = 4;

TEST_P(Immunity, SilentDribblingAndLingeringConnectionsHoldNobodyUp) {
  // Longer than the crowd takes to come, on a busy machine and with sanitizers; and twice as long as anybody waits for
  // an answer here, so that nobody waits for it unseen.
  constexpr milliseconds kHead = 2 * kPatience;
  Server server({App{.name = "app",
                     .plugin = plugin_file("hello"),
                     .listen = {GetParam()},
                     .more = "workers: {min: 2, max: 2}\ntimeouts: {head: 10s}\n"}});
  server.start();
  const Endpoint& endpoint = server.listener("app");
  const std::string head = ScgiRequest::get("/slow").head();
  const auto expect_answer = [&](std::string_view while_what) {
    const Response response = fetch(endpoint, ScgiRequest::get("/"));
    EXPECT_TRUE(response.complete(200)) << while_what << ": " << response;
  };
  const auto expect_cost = [&, before = own_memory_kb_of(server.pid())](std::size_t most_kb, std::string_view of) {
    if (!is_sanitized()) {
      EXPECT_LT(own_memory_kb_of(server.pid()), before + most_kb) << of;
    }
  };

  Crowd crowd;
  for (std::size_t i = 0; i < kSilent; ++i) {
    crowd.join(endpoint, "");
    if (i % 100 == 0) expect_answer("some are silent");
  }
  expect_answer("1000 are silent");
  expect_cost(kSilent * kRecordKb, "silent connections cost no buffer");

  for (std::size_t i = 0; i < kDribbling; ++i) {
    crowd.join(endpoint, head.substr(0, 5 + i % 10));
    if (i % 100 == 0) expect_answer("some dribble");
  }
  std::vector<Connection> lingering;
  for (std::size_t i = 0; i < kLingering; ++i) {
    lingering.push_back(Connection::to(endpoint));
    ASSERT_TRUE(lingering.back().send(head + "more than was announced"));
    if (i % 20 == 0) expect_answer("some linger");
  }
  for (std::size_t i = kSilent; i < crowd.size(); ++i) crowd.send(i, head.substr(15, 1));
  expect_answer("all do");
  expect_cost((kSilent + kDribbling + kLingering) * kRecordKb + kDribbling * kBufferKb, "only those that dribble do");

  for (const auto& [response, at] : crowd.answers(kHead, [&] { expect_answer("they wait"); })) {
    EXPECT_TRUE(response.complete(408)) << response;
  }
  const ScgiRequest request = ScgiRequest::get("/slow");
  for (Connection& connection : lingering) EXPECT_TRUE(connection.receive(request.reader()).complete(200));
}

// Of 1,200 heads that have begun and have buffers of 4 KiB, 1 MB holds 256.
TEST_P(Immunity, PastLimitsReceptionTheOldestIncompleteHeadMakesRoom) {
  Server server({App{.name = "app",
                     .plugin = plugin_file("hello"),
                     .listen = {GetParam()},
                     .more = "workers: {min: 1, max: 1}\ntimeouts: {head: 20s}\n"}},
                "limits: {reception: 1M}\n");
  server.start();
  const ScgiRequest request = ScgiRequest::get("/slow");
  std::vector<Connection> begun;
  for (std::size_t i = 0; i < 300; ++i) {
    begun.push_back(Connection::to(server.listener("app")));
    ASSERT_TRUE(begun.back().send(request.head().substr(0, 20)));
  }
  EXPECT_TRUE(begun.front().receive(request.reader()).complete(503));
  EXPECT_TRUE(server.wait_for_log("hold more than limits.reception; the oldest is answered 503"));
  EXPECT_TRUE(fetch(server.listener("app"), request).complete(200));
  ASSERT_TRUE(begun.back().send(request.head().substr(20)));
  EXPECT_TRUE(begun.back().receive(request.reader()).complete(200)) << "the youngest is served";
}

// Its first digit takes 4 KiB; what the length then turns out to be would take 64 KiB.
TEST_P(Immunity, WhereTheOldestItselfWantsMoreNobodyElseMakesRoom) {
  Server server({App{.name = "app",
                     .plugin = plugin_file("hello"),
                     .listen = {GetParam()},
                     .more = "workers: {min: 1, max: 1}\ntimeouts: {head: 20s}\n"}},
                "limits: {reception: 1M}\n");
  server.start();
  const ScgiRequest request = ScgiRequest::get("/slow");
  Connection oldest = Connection::to(server.listener("app"));
  ASSERT_TRUE(oldest.send("6"));
  // The master has seen it once a request that came later is answered.
  ASSERT_TRUE(fetch(server.listener("app"), request).complete(200));
  std::vector<Connection> younger;
  for (std::size_t i = 0; i < 250; ++i) {
    younger.push_back(Connection::to(server.listener("app")));
    ASSERT_TRUE(younger.back().send(request.head().substr(0, 20)));
  }
  ASSERT_TRUE(fetch(server.listener("app"), request).complete(200));
  ASSERT_TRUE(oldest.send("0000:CONTENT_LENGTH"));
  EXPECT_TRUE(oldest.receive(request.reader()).complete(503));
  for (Connection& connection : younger) {
    ASSERT_TRUE(connection.send(request.head().substr(20)));
    const Response response = connection.receive(request.reader());
    EXPECT_TRUE(response.complete(200)) << response;
  }
}

TEST(Isolation, OfThreeAppsOneHangsAndOneCrashLoopsAndTheThirdAnswersAllTheTime) {
  const std::string two = "workers: {min: 2, max: 2}\n";
  Server server({{.name = "hangs", .plugin = fixture_file("hangs"), .more = two + "timeouts: {request: 1s}\n"},
                 {.name = "loops", .plugin = fixture_file("constructor_crashes")},
                 {.name = "fine", .plugin = plugin_file("hello"), .more = two}});
  server.expect_error("app \"hangs\" generation 1 worker *: killed by timeouts.request with GET");
  server.expect_error("app \"loops\": generation * failed at LOADED");
  server.expect_error("app \"loops\": degraded");
  server.expect_workers("loops", 0);
  server.start();
  std::vector<Connection> hanging;
  const ScgiRequest request = ScgiRequest::get("/");
  for (int i = 0; i < 4; ++i) {
    hanging.push_back(Connection::to(server.listener("hangs")));
    ASSERT_TRUE(hanging.back().send(request.head()));
  }
  const Deadline deadline(seconds(3));
  int answered = 0;
  while (!deadline.passed()) {
    const Response fine = fetch(server.listener("fine"), request, milliseconds(500));
    ASSERT_TRUE(fine.complete(200)) << fine;
    ++answered;
    if (answered % 50 == 0) {
      const Response loops = fetch(server.listener("loops"), request, milliseconds(500));
      ASSERT_TRUE(loops.complete(503)) << loops;
    }
  }
  EXPECT_GT(answered, 50);
  for (Connection& connection : hanging) EXPECT_TRUE(connection.receive(request.reader()).complete(504));
}

// How many lines have `text`.
int lines_with(const std::string& log, std::string_view text) {
  int count = 0;
  for (auto at = log.find(text); at != log.npos; at = log.find(text, log.find('\n', at))) ++count;
  return count;
}

TEST(Isolation, OfTwoAppsOneHangsForTwoHundredClientsAndTheOtherAnswersAllTheTime) {
  constexpr int kClients = 200;
  constexpr milliseconds kHang = 2 * kPatience;  // nobody waits for it unseen
  constexpr milliseconds kAge = seconds(1);
  const std::string two = "workers: {min: 2, max: 2}\n";
  Server server(
      {{.name = "hangs", .plugin = fixture_file("hangs"), .more = two + "timeouts: {request: 10s}\nqueue: {age: 1s}\n"},
       {.name = "fine", .plugin = plugin_file("hello"), .more = two}});
  server.expect_error("app \"hangs\" generation 1 worker *: killed by timeouts.request with GET \"/\" since 10.");
  server.start();
  const auto begin = std::chrono::steady_clock::now();
  const auto expect_fine = [&] {
    const Response response = fetch(server.listener("fine"), ScgiRequest::get("/"));
    EXPECT_TRUE(response.complete(200)) << response;
  };
  Crowd crowd;
  for (int i = 0; i < kClients; ++i) crowd.join(server.listener("hangs"), ScgiRequest::get("/").head());
  int refused = 0;
  int timed_out = 0;
  auto last_refused = begin;
  for (const auto& [response, at] : crowd.answers(kAge, expect_fine)) {
    timed_out += response.complete(504);
    if (!response.complete(503)) continue;
    ++refused;
    last_refused = at;
    EXPECT_EQ(response.header("Retry-After"), "1");
  }
  EXPECT_EQ(timed_out, 2);
  EXPECT_EQ(refused, kClients - 2);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, kHang);

  // Of each kind one line, and another one for each second that it goes on.
  const std::string log = server.log();
  const auto full_seconds = std::chrono::floor<seconds>(last_refused - begin).count();
  const auto busy = lines_with(log, "warning app \"hangs\": all 2 workers are busy (workers.max); ");
  EXPECT_TRUE(busy >= 1 && busy <= 1 + full_seconds) << busy;
  const auto aged = lines_with(log, "warning app \"hangs\": a request has waited for queue.age; answered 503");
  EXPECT_TRUE(aged >= 1 && aged <= full_seconds) << aged;
}

TEST(Deaths, AThousandInARowLeaveNothing) {
  Server server({{.name = "app", .plugin = fixture_file("crashes"), .more = "workers: {min: 2, max: 2}\n"}});
  server.expect_error("died of signal 11 * with GET \"/crash\" *answered 502", 1000);
  server.start();
  for (int i = 0; i < 1000; ++i) {
    const Response response = fetch(server.listener("app"), ScgiRequest::get("/crash"));
    ASSERT_TRUE(response.complete(502)) << i << ": " << response;
  }
}

}  // namespace
}  // namespace harness
