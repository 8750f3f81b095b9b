// All faults at once, for a moment. Other forms of this scenario last three minutes and an hour.
#include <gtest/gtest.h>

#include "storm/storm.h"

namespace harness {
namespace {

TEST(MixedFaults, LeaveEveryRequestWithOneOutcomeThatItsFaultExplains) {
  weather_a_storm(std::chrono::seconds(5));
}

}  // namespace
}  // namespace harness
