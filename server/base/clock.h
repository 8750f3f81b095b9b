// The one clock of deadlines: CLOCK_MONOTONIC, shared by all processes of the machine, so that a time which a worker
// writes into the shared page means the same in the master.
#pragma once

#include <chrono>

namespace forklift {

using Clock = std::chrono::steady_clock;
using TimePoint = Clock::time_point;
using Duration = std::chrono::nanoseconds;

using std::chrono::milliseconds;
using std::chrono::seconds;

// A deadline that never comes.
inline constexpr TimePoint kNever = TimePoint::max();

// `start + timeout`, where a timeout of 0 means off.
inline TimePoint deadline_after(TimePoint start, Duration timeout) {
  return timeout == Duration::zero() ? kNever : start + timeout;
}

}  // namespace forklift
