// The one clock of deadlines: CLOCK_MONOTONIC, shared by all processes of the machine, so that a time which a worker
// writes into the shared page means the same in the master.
#pragma once

#include <algorithm>
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

// For poll(2) and its like: -1 for kNever, 0 for a deadline that has passed, a day at most. Rounded up: a wait that
// ends a fraction of a millisecond early would spin until the deadline.
inline int milliseconds_until(TimePoint deadline) {
  if (deadline == kNever) return -1;
  const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now()).count();
  return static_cast<int>(std::clamp<long long>(left, 0, milliseconds(std::chrono::hours(24)).count()));
}

}  // namespace forklift
