// Waiting in tests: never for a fixed time, always for a condition, until a deadline.
#pragma once

#include <algorithm>
#include <chrono>
#include <thread>

namespace harness {

using std::chrono::milliseconds;
using std::chrono::seconds;

// How long a test waits for what should happen at once: half of the shortest timer that could hide a fault
// (timeouts.head, 10 s).
inline constexpr milliseconds kPatience = seconds(5);

// Where megabytes go through files and sockets, on a machine that runs other tests too.
inline constexpr milliseconds kMuchPatience = seconds(60);

class Deadline {
 public:
  explicit Deadline(milliseconds from_now) : at_(std::chrono::steady_clock::now() + from_now) {}

  bool passed() const { return std::chrono::steady_clock::now() >= at_; }

  // What is left, for poll(2): rounded up, so that it is 0 only once the deadline has passed.
  int poll_timeout() const {
    const auto left = std::chrono::ceil<milliseconds>(at_ - std::chrono::steady_clock::now());
    return static_cast<int>(std::max(left, milliseconds(0)).count());
  }

 private:
  std::chrono::steady_clock::time_point at_;
};

// Asks `condition` until it holds or `patience` is over, with a pause in between; says whether it held.
template <typename Condition>
bool eventually(Condition&& condition, milliseconds patience = kPatience, milliseconds pause = milliseconds(5)) {
  const Deadline deadline(patience);
  for (;;) {
    const bool last_try = deadline.passed();
    if (condition()) return true;
    if (last_try) return false;
    std::this_thread::sleep_for(pause);
  }
}

}  // namespace harness
