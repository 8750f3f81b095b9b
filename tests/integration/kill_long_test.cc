// Workers die at every point of a request, in every manner, 200 times each.
#include <gtest/gtest.h>

#include "kill/scenario.h"

namespace harness {
namespace {

class KillOften : public testing::TestWithParam<Road> {};

TEST_P(KillOften, AtAnyPointGivesOneCorrectOutcome) {
  die_at_every_point(GetParam(), 200);
}

TEST_P(KillOften, BeforeTheRequestIsTakenCostsNothing) {
  die_before_take(GetParam(), 200);
}

INSTANTIATE_TEST_SUITE_P(By, KillOften, testing::Values(Road::kTcp, Road::kUnix, Road::kNginxTcp, Road::kNginxUnix),
                         testing::PrintToStringParamName());

}  // namespace
}  // namespace harness
