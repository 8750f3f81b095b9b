// Plugins that turn on their master. It costs them their own request; other apps don't notice.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include "harness/processes.h"
#include "harness/scgi_request.h"
#include "harness/server.h"

namespace harness {
namespace {

class Attack : public testing::Test {
 protected:
  Attack()
      : server_({App{.name = "attacker",
                     .plugin = fixture_file("attacks_as_told"),
                     .more = "workers: {min: 1, max: 1}\ntimeouts: {request: 1s}\n"},
                 App{.name = "other", .plugin = plugin_file("hello"), .more = "workers: {min: 1, max: 1}\n"}}) {}

  static ScgiRequest request(const char* attack) { return ScgiRequest::get("/attack").add("HTTP_X_ATTACK", attack); }
  Response attack_with(const char* attack) { return fetch(server_.listener("attacker"), request(attack)); }

  void expect_that_both_apps_answer() {
    EXPECT_TRUE(fetch(server_.listener("other"), ScgiRequest::get("/")).complete(200));
    EXPECT_TRUE(fetch(server_.listener("attacker"), ScgiRequest::get("/")).complete(200));
  }

  Server server_;
};

TEST_F(Attack, AConnectionThatWaitsForItsClientWhenItIsClosedHoldsNobodyUp) {
  server_.start();
  Connection slow = Connection::to(server_.listener("attacker"));
  const int little = 64 * 1024;
  ASSERT_EQ(setsockopt(slow.fd(), SOL_SOCKET, SO_RCVBUF, &little, sizeof little), 0);
  ASSERT_TRUE(slow.send(request("linger").head()));
  // As much that the rest fits into the sockets' buffers, and the worker is done.
  const pid_t worker = children_of(server_.pid()).at(0).pid;
  std::size_t received = 0;
  while (received < 1500 * 1000) {
    const std::size_t more = slow.receive_some(64 * 1024).size();
    ASSERT_GT(more, 0U);
    received += more;
  }
  ASSERT_TRUE(eventually([&] { return is_asleep(worker); }));
  expect_that_both_apps_answer();
}

TEST_F(Attack, AWorkerThatHasLeftItsProcessGroupIsKilledAsAnyOther) {
  server_.expect_error("killed by timeouts.request with GET \"/attack\"");
  server_.start();
  const Response response = attack_with("group");
  EXPECT_TRUE(response.complete(504)) << response;
  expect_that_both_apps_answer();
}

TEST_F(Attack, ADeadWorkersChannelThatOthersFillWithoutEndHoldsNobodyUp) {
  server_.expect_error("died of signal 9 (Killed) with GET \"/attack\"");
  server_.expect_error("\\x01\\x01");
  server_.start();
  const Response response = attack_with("flood");
  EXPECT_TRUE(response.complete(502)) << response;
  expect_that_both_apps_answer();
}

TEST_F(Attack, AForkedProcessThatReturnsFromProduceAnswersNothing) {
  server_.expect_error("a process that the plugin has forked has returned from produce");
  server_.start();
  const pid_t worker = children_of(server_.pid()).at(0).pid;
  const Response response = attack_with("fork");
  EXPECT_TRUE(response.complete(200)) << response;
  EXPECT_EQ(response.body.size(), 1000U);
  expect_that_both_apps_answer();
  EXPECT_EQ(children_of(server_.pid()).at(0).pid, worker);
}

}  // namespace
}  // namespace harness
