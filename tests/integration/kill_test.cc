// Workers die at every point of a request, in every manner. The long form of this scenario repeats it 200 times.
#include <gtest/gtest.h>

#include "harness/scgi_request.h"
#include "kill/scenario.h"

namespace harness {
namespace {

class Kill : public testing::TestWithParam<Road> {};

TEST_P(Kill, AtAnyPointGivesOneCorrectOutcome) {
  die_at_every_point(GetParam(), 10);
}

TEST_P(Kill, BeforeTheRequestIsTakenCostsNothing) {
  die_before_take(GetParam(), 10);
}

// The worker has received the connection and does not get to say so.
TEST_P(Kill, OfThreeWorkersInARowIsAnswered502) {
  Site site(GetParam(), "workers: {min: 3, max: 3}\nsettings: {stop_at: lend}\n");
  site.server().expect_error("exited with status 0 before it took the request; its request goes to another worker");
  site.server().expect_error("exited with status 0 before it took the request; answered 502");
  const Response response = site.ask("/poison", {}, {}).response();
  EXPECT_TRUE(response.complete(502)) << response;
}

INSTANTIATE_TEST_SUITE_P(By, Kill, testing::Values(Road::kTcp, Road::kUnix, Road::kNginxTcp, Road::kNginxUnix),
                         testing::PrintToStringParamName());

}  // namespace
}  // namespace harness
