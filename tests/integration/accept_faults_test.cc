// accept4 fails. For want of descriptors or memory: the master does not spin, answers 503 once that lasts,
// and recovers by itself. For a reason of the one connection's: nobody else notices.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <vector>

#include "harness/faults.h"
#include "harness/processes.h"
#include "harness/scgi_request.h"
#include "harness/site.h"
#include "harness/stop_point.h"

namespace harness {
namespace {

using testing::HasSubstr;

// Clients that have connected and asked, and wait.
class Crowd {
 public:
  Crowd(const Endpoint& endpoint, int size) {
    for (int i = 0; i < size; ++i) {
      clients_.push_back(Connection::to(endpoint));
      EXPECT_TRUE(clients_.back().send(request_.head()));
    }
  }

  void expect_answers(int status) {
    for (Connection& client : clients_) {
      const Response response = client.receive(request_.reader());
      EXPECT_TRUE(response.complete(status)) << response;
    }
  }

 private:
  const ScgiRequest request_ = ScgiRequest::get("/");
  std::vector<Connection> clients_;
};

class AcceptFaults : public testing::TestWithParam<int> {
 protected:
  AcceptFaults()
      : server_({App{.name = "hello", .plugin = plugin_file("hello"), .listen = {"127.0.0.1:0", "unix:hello.sock"}}}),
        faults_(server_) {}

  void SetUp() override { server_.start(); }

  std::size_t lines_with(std::string_view text) const {
    const std::string log = server_.log();
    std::size_t count = 0;
    for (auto at = log.find(text); at != log.npos; at = log.find(text, at + 1)) ++count;
    return count;
  }

  Server server_;
  Faults faults_;
};

class Exhaustion : public AcceptFaults {};

INSTANTIATE_TEST_SUITE_P(By, Exhaustion, testing::Values(EMFILE, ENFILE, ENOBUFS, ENOMEM), error_name);

TEST_P(Exhaustion, IsWaitedOutWithoutSpinning) {
  const auto begin = std::chrono::steady_clock::now();
  const milliseconds cpu_time = cpu_time_of(server_.pid());
  faults_.fail(SHIM_ACCEPT4, GetParam());
  Crowd tcp(server_.listener("hello", 0), 5);
  Crowd unix(server_.listener("hello", 1), 5);
  // Each of two listeners is tried twice in half a second: once as it is, once with the reserve.
  ASSERT_TRUE(eventually([&] { return faults_.failed(SHIM_ACCEPT4) >= 10; }));
  const auto half_seconds = (std::chrono::steady_clock::now() - begin) / milliseconds(500) + 1;
  EXPECT_LE(faults_.failed(SHIM_ACCEPT4), 2u * 2u * static_cast<unsigned>(half_seconds));
  EXPECT_LE(cpu_time_of(server_.pid()) - cpu_time, milliseconds(100));
  EXPECT_THAT(server_.log(), HasSubstr(std::string(" warning app \"hello\": accept on ")));
  EXPECT_THAT(server_.log(), HasSubstr(strerrordesc_np(GetParam())));
  // One line a second tells it of both.
  const std::size_t lines = lines_with("trying again in half a second");
  EXPECT_LE(lines, static_cast<std::size_t>((std::chrono::steady_clock::now() - begin) / seconds(1)) + 1);

  faults_.clear();
  tcp.expect_answers(200);
  unix.expect_answers(200);
}

TEST_P(Exhaustion, DoesNotHoldUpAStop) {
  faults_.fail(SHIM_ACCEPT4, GetParam());
  const Crowd crowd(server_.listener("hello", 0), 5);
  ASSERT_TRUE(eventually([&] { return faults_.failed(SHIM_ACCEPT4) > 0; }));
  EXPECT_EQ(server_.stop(SIGTERM, kPatience), ExitStatus::exited(0));
}

// Nobody else is served before the listener is closed, which would reset who waits in it.
TEST_P(Exhaustion, AtAStopIsAnswered503) {
  server_.skip_rest("it is stopped while it has work");
  faults_.fail(SHIM_ACCEPT4, GetParam(), {.count = 2});
  Crowd crowd(server_.listener("hello", 0), 5);
  ASSERT_TRUE(eventually([&] { return faults_.failed(SHIM_ACCEPT4) == 1; }));
  server_.signal(SIGTERM);
  crowd.expect_answers(503);
  EXPECT_EQ(server_.wait(), ExitStatus::exited(0));
}

class BrokenConnection : public AcceptFaults {};

INSTANTIATE_TEST_SUITE_P(By, BrokenConnection, testing::Values(ECONNABORTED, EINTR, EPROTO, EPERM), error_name);

TEST_P(BrokenConnection, HoldsUpNoOther) {
  for (const std::size_t listener : {0, 1}) {
    // More than are accepted in one turn of the loop.
    faults_.fail(SHIM_ACCEPT4, GetParam(), {.count = 200});
    Crowd(server_.listener("hello", listener), 5).expect_answers(200);
    EXPECT_EQ(faults_.failed(SHIM_ACCEPT4), 200u);
  }
  EXPECT_THAT(server_.log(), testing::Not(HasSubstr("trying again")));
}

// The kernel's limit of watches (epoll_ctl(2)), or its memory.
class NoWatch : public AcceptFaults {};

INSTANTIATE_TEST_SUITE_P(By, NoWatch, testing::Values(ENOSPC, ENOMEM), error_name);

TEST_P(NoWatch, IsAnswered503AndLeavesNothing) {
  server_.expect_error("app \"hello\": epoll_ctl: * answered 503");
  const ScgiRequest request = ScgiRequest::get("/");
  for (const std::size_t listener : {0, 1}) {
    faults_.fail(SHIM_EPOLL_CTL, GetParam());
    Connection slow = Connection::to(server_.listener("hello", listener));
    ASSERT_TRUE(slow.send(request.head().substr(0, 10)));
    const Response response = slow.receive(request.reader());
    EXPECT_TRUE(response.complete(503)) << response;
    faults_.clear();
    EXPECT_TRUE(fetch(server_.listener("hello", listener), request).complete(200));
  }
}

// The limit that has no descriptor left below it, as long as the object lives.
class NoDescriptors {
 public:
  explicit NoDescriptors(pid_t pid) : pid_(pid) {
    rlim_t lowest_free = 0;
    for (const auto& [fd, target] : descriptors_of(pid)) {
      if (static_cast<rlim_t>(fd) == lowest_free) ++lowest_free;
    }
    EXPECT_EQ(prlimit(pid, RLIMIT_NOFILE, nullptr, &before_), 0);
    const rlimit none{lowest_free, before_.rlim_max};
    EXPECT_EQ(prlimit(pid, RLIMIT_NOFILE, &none, nullptr), 0);
  }
  ~NoDescriptors() { EXPECT_EQ(prlimit(pid_, RLIMIT_NOFILE, &before_, nullptr), 0); }
  NoDescriptors(const NoDescriptors&) = delete;
  NoDescriptors& operator=(const NoDescriptors&) = delete;

 private:
  pid_t pid_;
  rlimit before_{};
};

class NoDescriptorsLeft : public testing::TestWithParam<Road> {};

INSTANTIATE_TEST_SUITE_P(By, NoDescriptorsLeft, testing::Values(Road::kTcp, Road::kUnix),
                         testing::PrintToStringParamName());

TEST_P(NoDescriptorsLeft, IsAnswered503AndWhatIsInFlightFinishes) {
  Site site(GetParam(), "workers: {min: 1, max: 1}\n");
  const Endpoint& endpoint = site.server().listener("app");
  StopPoint stop_point;
  Site::Asked in_flight = site.ask("/in-flight", {{"X-Stop", "first"}, {"X-Control", stop_point.path()}}, {});
  Stopped worker = stop_point.wait();
  const milliseconds cpu_time = cpu_time_of(site.server().pid());
  {
    const NoDescriptors none(site.server().pid());
    for (int i = 0; i < 2; ++i) Crowd(endpoint, 20).expect_answers(503);
    worker.go_on();
    EXPECT_NE(writer_of_whole_page(in_flight.response()), 0);
  }
  EXPECT_LE(cpu_time_of(site.server().pid()) - cpu_time, milliseconds(200));
  Crowd(endpoint, 20).expect_answers(200);
}

}  // namespace
}  // namespace harness
