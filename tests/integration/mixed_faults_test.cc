// All faults at once, for a moment. The long form of this scenario lasts an hour.
#include <gtest/gtest.h>

#include "storm/storm.h"

namespace harness {
namespace {

TEST(MixedFaults, LeaveEveryRequestWithOneOutcomeThatItsFaultExplains) {
  weather_a_storm(std::chrono::seconds(5));
}

}  // namespace
}  // namespace harness
