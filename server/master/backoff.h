// The growing pause before a failing app may start another worker.
#pragma once

#include <algorithm>

#include "base/clock.h"

namespace forklift::master {

inline constexpr Duration kBackoffMin = milliseconds(100);
inline constexpr Duration kBackoffMax = seconds(5);

class Backoff {
 public:
  // Another start has failed: the next one may be tried at the returned time.
  TimePoint failed(TimePoint now) {
    failed_ = now;
    pause_ = std::clamp(pause_ * 2, kBackoffMin, kBackoffMax);
    return until_ = now + pause_;
  }
  // A worker that was started at `born` has answered a request. If that was after the last failure, whatever it was is
  // over; an older one proves nothing about starting.
  void succeeded(TimePoint born) {
    if (born >= failed_) *this = {};
  }

  bool allows(TimePoint now) const { return now >= until_; }
  TimePoint until() const { return until_; }
  Duration pause() const { return pause_; }

 private:
  Duration pause_{};
  TimePoint until_ = TimePoint::min();
  TimePoint failed_ = TimePoint::min();
};

}  // namespace forklift::master
