#include "base/throttle.h"

#include <gtest/gtest.h>

namespace forklift {
namespace {

TEST(Throttle, the_first_time_is_said_and_the_next_ones_are_counted) {
  Throttle throttle;
  const TimePoint start{};
  EXPECT_EQ(throttle.pass(start), 0U);
  EXPECT_EQ(throttle.pass(start), std::nullopt);
  EXPECT_EQ(throttle.pass(start + milliseconds(999)), std::nullopt);
  EXPECT_EQ(throttle.pass(start + milliseconds(1000)), 2U);
  EXPECT_EQ(throttle.pass(start + milliseconds(1999)), std::nullopt);
  EXPECT_EQ(throttle.pass(start + milliseconds(9000)), 1U);
  EXPECT_EQ(throttle.pass(start + milliseconds(20000)), 0U);
}

TEST(Throttle, the_interval_is_its_owners) {
  Throttle throttle(milliseconds(10));
  EXPECT_TRUE(throttle.pass(TimePoint{}));
  EXPECT_FALSE(throttle.pass(TimePoint{} + milliseconds(9)));
  EXPECT_TRUE(throttle.pass(TimePoint{} + milliseconds(10)));
}

}  // namespace
}  // namespace forklift
