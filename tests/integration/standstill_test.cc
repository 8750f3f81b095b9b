// A master that stands still beyond a worker's deadline, because it is stopped or the machine is too busy: what the
// worker has said in time counts, although the master hears all of it later, and more than one thing at once.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <thread>

#include "harness/command.h"
#include "harness/freeze.h"
#include "harness/processes.h"
#include "harness/scgi_request.h"
#include "harness/server.h"

namespace harness {
namespace {

constexpr milliseconds kBeyondIt = milliseconds(2500);  // of two seconds

bool has_busy_worker(const Server& server) {
  const auto workers = status_of(server)->getArray("apps")->getObject(0)->getArray("workers");
  return workers->size() > 0 && !workers->getObject(0)->isNull("request");
}

// It says why it answers 400, and then that it is done.
TEST(Standstill, CostsNoWorkerThatHasAnsweredInTime) {
  for (const char* timeout : {"request", "total"}) {
    SCOPED_TRACE(timeout);
    Server server({{.name = "app",
                    .plugin = fixture_file("misbehaves_as_told"),
                    .more = fmt::format("workers: {{min: 1, max: 1}}\ntimeouts: {{{}: 2s}}\n", timeout)}});
    server.start();
    const pid_t worker = children_of(server.pid()).at(0).pid;
    const ScgiRequest request = ScgiRequest("POST", "/half").add("HTTP_X_DO", "read").promise(1000);
    Connection connection = Connection::to(server.listener("app"));
    ASSERT_TRUE(connection.send(request.head() + "less than that"));
    ASSERT_TRUE(eventually([&] { return has_busy_worker(server); }));
    {
      const Freeze freeze(server);
      connection.shut_down_sending();
      const Response response = connection.receive(request.reader());
      EXPECT_TRUE(response.complete(400)) << response;
      std::this_thread::sleep_for(kBeyondIt);
    }
    EXPECT_TRUE(fetch(server.listener("app"), ScgiRequest::get("/")).complete(200));
    EXPECT_EQ(children_of(server.pid()).at(0).pid, worker);
  }
}

// Of its start the last steps come at once.
TEST(Standstill, FailsNoStartThatWasInTime) {
  Server server({{.name = "app", .plugin = fixture_file("create_waits_while_told")}});
  server.start();
  const std::string hold = server.folder() / "hold";
  write_file(hold, "");
  server.configure({{.name = "app",
                     .plugin = fixture_file("create_waits_while_told"),
                     .more = "workers: {min: 1, max: 1}\ntimeouts: {start: 2s}\nsettings: {file: " + hold + "}\n"}});
  server.signal(SIGHUP);
  ASSERT_TRUE(eventually([&] { return std::ranges::count(children_of(server.pid()), "fl:app", &Process::name) == 2; }));
  {
    const Freeze freeze(server);
    std::filesystem::remove(hold);
    std::this_thread::sleep_for(kBeyondIt);
  }
  EXPECT_TRUE(eventually([&] { return server.reloads().size() == 1; }));
  EXPECT_EQ(server.reloads().back(), kOneReloaded);
}

}  // namespace
}  // namespace harness
