// sendmsg fails while a request is lent, or the worker has no room for the connection's descriptor. The request stays
// the master's, and another try or another worker answers it.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>
#include <set>

#include "harness/faults.h"
#include "harness/processes.h"
#include "harness/scgi_request.h"
#include "harness/site.h"

namespace harness {
namespace {

using testing::HasSubstr;

int lines_with(std::string_view log, std::string_view text) {
  int count = 0;
  for (auto at = log.find(text); at != log.npos; at = log.find(text, at + 1)) ++count;
  return count;
}

// The kernel has no room just now.
class NoRoom : public testing::TestWithParam<int> {};

INSTANTIATE_TEST_SUITE_P(By, NoRoom, testing::Values(EAGAIN, ENOBUFS, ENOMEM, ETOOMANYREFS), error_name);

TEST_P(NoRoom, DelaysARequestAndLosesNone) {
  for (const Road road : {Road::kTcp, Road::kUnix}) {
    Site site(road, "workers: {min: 1, max: 1}\n");
    site.faults().fail(SHIM_SENDMSG, GetParam(), {.count = 3, .places = SHIM_MASTER});
    const pid_t worker = children_of(site.server().pid()).at(0).pid;
    EXPECT_EQ(writer_of_whole_page(site.ask("/late", {}, pattern_body(1000)).response()), worker);
    EXPECT_EQ(site.faults().failed(SHIM_SENDMSG), 3u);
    EXPECT_THAT(site.server().log(), HasSubstr(strerrordesc_np(GetParam())));
  }
}

TEST_P(NoRoom, IsNoReasonForMoreWorkers) {
  Site site(Road::kUnix, "workers: {min: 1, max: 4}\n");
  site.faults().fail(SHIM_SENDMSG, GetParam(), {.count = 3, .places = SHIM_MASTER});
  EXPECT_NE(writer_of_whole_page(site.ask("/late", {}, {}).response()), 0);
  EXPECT_EQ(children_of(site.server().pid()).size(), 1u);
}

TEST_P(NoRoom, PastQueueAgeIsAnswered503WithoutSpinning) {
  Site site(Road::kTcp, "workers: {min: 1, max: 1}\nqueue: {age: 700ms}\n");
  const milliseconds cpu_time = cpu_time_of(site.server().pid());
  site.faults().fail(SHIM_SENDMSG, GetParam(), {.places = SHIM_MASTER});
  const Response response = site.ask("/never", {}, {}).response();
  EXPECT_TRUE(response.complete(503)) << response;
  // Every 50 ms it may be tried as often as the loop comes by, and the log says so once a second.
  EXPECT_LE(site.faults().failed(SHIM_SENDMSG), 100u);
  EXPECT_LE(lines_with(site.server().log(), "trying again"), 2);
  EXPECT_LE(cpu_time_of(site.server().pid()) - cpu_time, milliseconds(100));
  site.faults().clear();
  EXPECT_NE(writer_of_whole_page(site.ask("/next", {}, {}).response()), 0);
}

// Behind a worker's last request.
TEST_P(NoRoom, ForTheWordToLeaveCostsNoRequest) {
  for (const Road road : {Road::kTcp, Road::kUnix}) {
    Site site(road, "workers: {min: 1, max: 1, max_requests: 1}\n");
    site.faults().fail(SHIM_SENDMSG, GetParam(), {.after = 1, .count = 2, .places = SHIM_MASTER});
    const pid_t worker = children_of(site.server().pid()).at(0).pid;
    EXPECT_EQ(writer_of_whole_page(site.ask("/last", {}, {}).response()), worker);
    EXPECT_TRUE(wait_until_gone(worker));
    EXPECT_EQ(site.faults().failed(SHIM_SENDMSG), 2u);
    const pid_t next = writer_of_whole_page(site.ask("/next", {}, {}).response());
    EXPECT_TRUE(next != 0 && next != worker);
  }
}

// The worker is gone, and its death is not yet known.
class NoReader : public testing::TestWithParam<int> {};

INSTANTIATE_TEST_SUITE_P(By, NoReader, testing::Values(EPIPE, ECONNRESET, ENOTCONN), error_name);

TEST_P(NoReader, IsReplacedByTheNextWorker) {
  Site site(Road::kTcp, "workers: {min: 2, max: 2}\n");
  site.server().expect_error("died of signal 9 (Killed) while idle");
  std::set<pid_t> workers;
  for (const Process& worker : children_of(site.server().pid())) workers.insert(worker.pid);
  site.faults().fail(SHIM_SENDMSG, GetParam(), {.count = 1, .places = SHIM_MASTER});
  const pid_t writer = writer_of_whole_page(site.ask("/", {}, pattern_body(1000)).response());
  EXPECT_TRUE(workers.contains(writer)) << writer;
  workers.erase(writer);
  EXPECT_TRUE(wait_until_gone(*workers.begin())) << "nobody may trust a worker that has closed its channel";
}

TEST_P(NoReader, ManyTimesInARowCostsNoRequestWhileOneIsLeft) {
  Site site(Road::kUnix, "workers: {min: 6, max: 6}\n");
  site.server().expect_error("died of signal 9 (Killed) while idle");
  site.faults().fail(SHIM_SENDMSG, GetParam(), {.count = 5, .places = SHIM_MASTER});
  EXPECT_NE(writer_of_whole_page(site.ask("/", {}, pattern_body(1000)).response()), 0);
  EXPECT_EQ(site.faults().failed(SHIM_SENDMSG), 5u);
}

class FullTable : public testing::TestWithParam<unsigned> {};

INSTANTIATE_TEST_SUITE_P(With, FullTable, testing::Values(1, 2),
                         [](const auto& test) { return fmt::format("{}Workers", test.param); });

// The kernel delivers the message without its descriptor (MSG_CTRUNC).
TEST_P(FullTable, OfAWorkerCostsNoRequest) {
  Server server({App{.name = "app",
                     .plugin = fixture_file("leaks_descriptors"),
                     .listen = {"127.0.0.1:0", "unix:app.sock"},
                     .more = fmt::format("workers: {{min: {0}, max: {0}}}\n", GetParam())}});
  server.expect_error("leaves: a message has lost its descriptor: too many are open");
  server.expect_error("exited with status 1 before it took the request; its request goes to another worker");
  server.start();
  for (const std::size_t listener : {0, 1}) {
    // With the replacement of the last round: else it is not the lowest worker that leaks, and no other request meets
    // it.
    ASSERT_TRUE(server.at_rest());
    const Response leaked = fetch(server.listener("app", listener), ScgiRequest::get("/").add("HTTP_X_LEAK", "all"));
    EXPECT_TRUE(leaked.complete(200)) << leaked;
    const pid_t full = std::stoi(leaked.body);
    const auto is_full = [&] {  // and the connection is closed: those sockets are the channel and the output
      return descriptor_kinds_of(full)["socket"] == 3 && descriptors_of(full).size() == 64;
    };
    ASSERT_TRUE(eventually(is_full));
    for (int i = 0; i < 5; ++i) {
      const Response next = fetch(server.listener("app", listener), ScgiRequest::post("/", pattern_body(1000)));
      EXPECT_TRUE(next.complete(200)) << next;
      EXPECT_NE(next.body, leaked.body);
    }
  }
}

}  // namespace
}  // namespace harness
