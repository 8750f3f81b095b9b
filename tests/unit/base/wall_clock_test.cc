#include "base/wall_clock.h"

#include <gtest/gtest.h>

namespace forklift {
namespace {

std::string iso(WallTime time) {
  std::string text = "> ";
  append_iso_time(text, time);
  return text;
}

std::string clf(WallTime time) {
  std::string text = "> ";
  append_clf_time(text, time);
  return text;
}

TEST(WallClock, times_are_appended_in_both_notations) {
  using namespace std::chrono;
  const WallTime time = sys_days(2026y / November / 5) + hours(7) + minutes(8) + seconds(9) + milliseconds(45);
  EXPECT_EQ(iso(time), "> 2026-11-05T07:08:09.045Z");
  EXPECT_EQ(clf(time), "> 05/Nov/2026:07:08:09 +0000");
  EXPECT_EQ(iso(time + microseconds(954'999)), "> 2026-11-05T07:08:09.999Z") << "cut, not rounded up to :10";
}

TEST(WallClock, a_clock_before_1970_is_no_nonsense) {
  EXPECT_EQ(iso(WallTime{} - std::chrono::milliseconds(1)), "> 1969-12-31T23:59:59.999Z");
  EXPECT_EQ(clf(WallTime{} - std::chrono::milliseconds(1)), "> 31/Dec/1969:23:59:59 +0000");
}

}  // namespace
}  // namespace forklift
