// Says a thing that keeps happening once in a while, and how often it has happened since.
#pragma once

#include <fmt/format.h>

#include <optional>
#include <string>
#include <utility>

#include "base/clock.h"

namespace forklift {

//   if (const auto held_back = throttle.pass(Clock::now())) log::warning("...{}", and_more(*held_back));
class Throttle {
 public:
  explicit Throttle(Duration interval = seconds(1)) : interval_(interval) {}

  // nullopt: be silent, the last line was less than the interval ago. Else: say it; and how many times it was not said
  // since the last line.
  std::optional<unsigned> pass(TimePoint now) {
    if (now < next_) {
      ++silent_;
      return std::nullopt;
    }
    next_ = now + interval_;
    return std::exchange(silent_, 0U);
  }

 private:
  Duration interval_;
  TimePoint next_ = TimePoint::min();
  unsigned silent_ = 0;
};

// What a line that was held back says of that when it is let through; empty: it was not.
inline std::string and_more(unsigned held_back) {
  return held_back == 0 ? "" : fmt::format(" (and {} more since the last such line)", held_back);
}

}  // namespace forklift
