#include "cli/call_times.h"

#include <gtest/gtest.h>

namespace forklift::cli {
namespace {

using std::chrono::microseconds;

TEST(CallTimes, of_one_request_are_the_same) {
  EXPECT_EQ(summarise({milliseconds(2)}, 1),
            "1 request, 1 failed: min 2.000 ms, median 2.000 ms, p99 2.000 ms, max 2.000 ms; 500 requests/s");
}

TEST(CallTimes, are_those_of_their_ranks_in_any_order) {
  std::vector<Duration> times;
  for (int i = 200; i > 0; --i) times.push_back(microseconds(i));
  EXPECT_EQ(summarise(times, 3),
            "200 requests, 3 failed: min 0.001 ms, median 0.100 ms, p99 0.198 ms, max 0.200 ms; 9950 requests/s");
  EXPECT_EQ(summarise({seconds(3), milliseconds(1)}, 0),
            "2 requests, 0 failed: min 1.000 ms, median 1.000 ms, p99 3000.000 ms, max 3000.000 ms; 1 requests/s");
}

}  // namespace
}  // namespace forklift::cli
