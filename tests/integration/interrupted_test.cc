// System calls that signals interrupt, in the worker and in the master, cost no request a byte.
#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <thread>

#include "harness/scgi_request.h"
#include "harness/server.h"

namespace harness {
namespace {

// More than the sockets hold: the worker waits for its client again and again.
constexpr std::uint64_t kBodyBytes = 8 << 20;

class Interrupted : public testing::TestWithParam<const char*> {};

INSTANTIATE_TEST_SUITE_P(On, Interrupted, testing::Values("127.0.0.1:0", "unix:app.sock"),
                         [](const auto& listen) { return listen.index == 0 ? "Tcp" : "Unix"; });

TEST_P(Interrupted, CallsLoseNothing) {
  Server server({{.name = "app", .plugin = fixture_file("interrupts_itself"), .listen = {GetParam()}}});
  server.start();
  std::atomic<bool> over = false;
  std::thread signals([&] {
    while (!over) {
      server.signal(SIGUSR1);
      std::this_thread::sleep_for(milliseconds(1));
    }
  });
  BodyCheck check(pattern_body(kBodyBytes));
  const Response response =
      fetch(server.listener("app"), ScgiRequest::post("/", pattern_body(kBodyBytes)), seconds(60), check.sink());
  over = true;
  signals.join();
  EXPECT_TRUE(response.complete(200)) << response;
  EXPECT_EQ(check.difference(), "");
}

}  // namespace
}  // namespace harness
