// All faults at once, for three minutes.
#include <gtest/gtest.h>

#include "storm/storm.h"

namespace harness {
namespace {

TEST(MixedFaults, LeaveEveryRequestWithOneOutcomeThatItsFaultExplains) {
  weather_a_storm(std::chrono::minutes(3));
}

}  // namespace
}  // namespace harness
