#include "master/backoff.h"

#include <gtest/gtest.h>

#include <vector>

namespace forklift::master {
namespace {

constexpr TimePoint kMoment{seconds(1000)};

TEST(Backoff, nothing_is_put_off_before_the_first_failure) {
  const Backoff backoff;
  EXPECT_TRUE(backoff.allows(kMoment));
  EXPECT_EQ(backoff.pause(), Duration::zero());
}

TEST(Backoff, each_failure_doubles_the_pause_up_to_the_longest) {
  Backoff backoff;
  std::vector<long> pauses;
  for (int i = 0; i < 9; ++i) {
    const TimePoint until = backoff.failed(kMoment);
    EXPECT_EQ(until, kMoment + backoff.pause());
    pauses.push_back(std::chrono::duration_cast<milliseconds>(backoff.pause()).count());
  }
  EXPECT_EQ(pauses, (std::vector<long>{100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000}));
}

TEST(Backoff, a_start_is_allowed_again_when_the_pause_is_over) {
  Backoff backoff;
  const TimePoint until = backoff.failed(kMoment);
  EXPECT_EQ(backoff.until(), until);
  EXPECT_FALSE(backoff.allows(kMoment));
  EXPECT_FALSE(backoff.allows(until - Duration(1)));
  EXPECT_TRUE(backoff.allows(until));
}

TEST(Backoff, an_answered_request_ends_it) {
  Backoff backoff;
  for (int i = 0; i < 5; ++i) backoff.failed(kMoment);
  backoff.succeeded(kMoment);
  EXPECT_TRUE(backoff.allows(kMoment));
  EXPECT_EQ(backoff.failed(kMoment), kMoment + kBackoffMin);
}

TEST(Backoff, a_worker_that_is_older_than_the_failure_proves_nothing) {
  Backoff backoff;
  const TimePoint until = backoff.failed(kMoment);
  backoff.succeeded(kMoment - seconds(1));
  EXPECT_FALSE(backoff.allows(kMoment));
  EXPECT_EQ(backoff.until(), until);
}

}  // namespace
}  // namespace forklift::master
