// Matrix 2d: the log cannot be written. Requests are answered all the same, and once it can be written again, it says
// how much it has lost.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cerrno>
#include <cstring>

#include "harness/faults.h"
#include "harness/scgi_request.h"
#include "harness/server.h"

namespace harness {
namespace {

using testing::HasSubstr;

class LogFaults : public testing::TestWithParam<int> {};

INSTANTIATE_TEST_SUITE_P(By, LogFaults, testing::Values(ENOSPC, EIO, EDQUOT, EAGAIN),
                         [](const auto& test) { return std::string(strerrorname_np(test.param)); });

TEST_P(LogFaults, CostTheirLinesAndNothingElse) {
  Server server({App{.name = "hello", .plugin = plugin_file("hello")}});
  Faults faults(server);
  server.start();
  const ScgiRequest refused = ScgiRequest::get("/").set("SCGI", "2");
  const auto ask = [&](const ScgiRequest& request) { return fetch(server.listener("hello"), request).status; };
  faults.fail(SHIM_WRITE, GetParam(), {.places = SHIM_MASTER});
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(ask(refused), 400);
    EXPECT_EQ(ask(ScgiRequest::get("/")), 200);
  }
  EXPECT_THAT(server.log(), testing::Not(HasSubstr("refused with 400")));
  faults.clear();
  EXPECT_EQ(ask(refused), 400);
  EXPECT_TRUE(server.wait_for_log("refused with 400"));
  EXPECT_THAT(server.log(), HasSubstr("3 log lines were dropped because the log could not be written"));
}

TEST(LogLimit, ALogThatMayNotGrowCostsItsLinesAndNothingElse) {
  Server server({App{.name = "hello", .plugin = plugin_file("hello")}});
  server.start();
  rlimit before{};
  ASSERT_EQ(prlimit(server.pid(), RLIMIT_FSIZE, nullptr, &before), 0);
  const rlimit one_byte{.rlim_cur = 1, .rlim_max = before.rlim_max};
  ASSERT_EQ(prlimit(server.pid(), RLIMIT_FSIZE, &one_byte, nullptr), 0);
  const ScgiRequest refused = ScgiRequest::get("/").set("SCGI", "2");
  EXPECT_EQ(fetch(server.listener("hello"), refused).status, 400);
  EXPECT_EQ(fetch(server.listener("hello"), ScgiRequest::get("/")).status, 200);
  ASSERT_EQ(prlimit(server.pid(), RLIMIT_FSIZE, &before, nullptr), 0);
  EXPECT_EQ(fetch(server.listener("hello"), refused).status, 400);
  EXPECT_TRUE(server.wait_for_log("log lines were dropped because the log could not be written"));
}

}  // namespace
}  // namespace harness
