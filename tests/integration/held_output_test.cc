// What a plugin prints is read by the master, which waits for nobody: not for a process that holds standard output in
// the kernel either.
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>

#include "harness/processes.h"
#include "harness/scgi_request.h"
#include "harness/server.h"

namespace harness {
namespace {

TEST(HeldOutput, DoesNotHoldTheMaster) {
  Server server({{.name = "app", .plugin = fixture_file("splices_into_its_output")},
                 {.name = "other", .plugin = plugin_file("hello")}});
  server.expect_error("died of signal 9 (Killed) while idle");
  server.start();
  const ScgiRequest request = ScgiRequest::get("/");
  EXPECT_TRUE(fetch(server.listener("app"), request).complete(200));
  // It holds it, or has found that it cannot.
  ASSERT_TRUE(eventually([&] {
    const auto processes = descendants_of(server.pid());
    return std::ranges::all_of(processes,
                               [](const Process& process) { return process.state == 'Z' || is_asleep(process.pid); });
  }));
  for (const Process& worker : children_of(server.pid())) {
    if (worker.name == "fl:app") server.signal_worker(worker.pid, SIGKILL);
  }
  EXPECT_TRUE(server.at_rest()) << "another worker has its place";
  EXPECT_TRUE(fetch(server.listener("other"), request).complete(200));
  EXPECT_TRUE(fetch(server.listener("app"), request).complete(200));
}

}  // namespace
}  // namespace harness
