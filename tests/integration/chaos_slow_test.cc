// All faults at once, and reloads, for three minutes.
#include <gtest/gtest.h>

#include "storm/storm.h"

namespace harness {
namespace {

TEST(Chaos, LeavesEveryRequestWithOneOutcomeThatItsFaultExplains) {
  weather_a_storm(std::chrono::minutes(3));
}

}  // namespace
}  // namespace harness
