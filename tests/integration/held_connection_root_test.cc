// A worker that does not end holds its client's connection in the kernel, where whoever else makes a call on it has to
// wait. The master is no such one. (Root: userfaultfd(2) wants CAP_SYS_PTRACE for calls of the kernel's.)
#include <gtest/gtest.h>

#include <cerrno>
#include <csignal>
#include <string>
#include <thread>
#include <tuple>

#include "harness/faults.h"
#include "harness/processes.h"
#include "harness/scgi_request.h"
#include "harness/server.h"

namespace harness {
namespace {

// It is given up five seconds after SIGKILL.
constexpr milliseconds kUntilGivenUp = seconds(15);

class HeldConnection : public testing::TestWithParam<std::tuple<const char*, const char*>> {};

INSTANTIATE_TEST_SUITE_P(On, HeldConnection,
                         testing::Combine(testing::Values("127.0.0.1:0", "unix:app.sock"),
                                          testing::Values("GET", "POST")),
                         [](const auto& test) {
                           return std::string(std::get<0>(test.param)[0] == 'u' ? "Unix" : "Tcp") +
                                  (std::get<1>(test.param)[0] == 'G' ? "Sending" : "Receiving");
                         });

TEST_P(HeldConnection, DoesNotHoldTheMaster) {
  const auto& [listen, method] = GetParam();
  Server server({{.name = "app",
                  .plugin = fixture_file("sleeps_in_its_socket"),
                  .listen = {listen},
                  .more = "workers: {min: 1, max: 1}\ntimeouts: {request: 500ms, body: 0, write: 0}\n"},
                 {.name = "other", .plugin = plugin_file("hello")}});
  Faults faults(server);
  server.expect_error("killed by timeouts.request, and still there 5 s after SIGKILL with ");
  server.start();
  const Process worker = [&] {
    for (const Process& process : children_of(server.pid())) {
      if (process.name == "fl:app") return process;
    }
    return Process{};
  }();
  faults.fail(SHIM_KILL, EPERM, {.places = SHIM_MASTER});
  Connection held = Connection::to(server.listener("app"));
  const ScgiRequest request =
      ScgiRequest(method, "/").with_body(pattern_body(method == std::string_view("POST") ? 300'000 : 0));
  ASSERT_TRUE(held.send(request.head()));
  std::thread body([&] { held.send(request.bytes().substr(request.head().size())); });
  EXPECT_TRUE(server.wait_for_log("still there 5 s after SIGKILL", kUntilGivenUp)) << server.log();
  for (int i = 0; i < 10; ++i) {
    EXPECT_TRUE(fetch(server.listener("other"), ScgiRequest::get("/")).complete(200));
  }

  faults.clear();
  server.signal_worker(worker.pid, SIGKILL);
  EXPECT_TRUE(wait_until_gone(worker.pid));
  EXPECT_EQ(held.receive(request.reader()).ending, Ending::kReset);
  body.join();
  EXPECT_TRUE(server.at_rest());
}

}  // namespace
}  // namespace harness
