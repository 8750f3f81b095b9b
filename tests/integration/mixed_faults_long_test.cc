// All faults at once, for an hour: what the quick form of this scenario does for a moment.
#include <gtest/gtest.h>

#include "storm/storm.h"

namespace harness {
namespace {

TEST(MixedFaults, LeaveEveryRequestWithOneOutcomeThatItsFaultExplains) {
  weather_a_storm(std::chrono::hours(1));
}

}  // namespace
}  // namespace harness
