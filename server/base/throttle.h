// For messages that a flood of the same event would repeat.
#pragma once

#include <optional>
#include <utility>

#include "base/clock.h"

namespace forklift {

// Lets one message an interval through, and counts those that it holds back.
class Throttle {
 public:
  explicit Throttle(Duration interval = seconds(1)) : interval_(interval) {}

  // nullopt: say nothing. Else: how many were held back since the last one.
  std::optional<unsigned> pass(TimePoint now) {
    if (now < next_) {
      ++held_back_;
      return std::nullopt;
    }
    next_ = now + interval_;
    return std::exchange(held_back_, 0);
  }

 private:
  Duration interval_;
  TimePoint next_ = TimePoint::min();
  unsigned held_back_ = 0;
};

}  // namespace forklift
