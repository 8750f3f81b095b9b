// How long a client may take: for its body to come, and for the response to be taken.
#pragma once

#include <cstdint>

#include "base/clock.h"

namespace forklift::worker {

struct PaceLimits {
  Duration timeout{};      // timeouts.body, timeouts.write: without progress; 0 = off, and the rate with it
  std::uint64_t rate = 0;  // limits.body_rate: bytes a second of waiting, once `timeout` of it has passed; 0 = off
};

// Byte by byte for ever is not progress. Only time in which the plugin waited for the client counts: a plugin that is
// slow itself does not make its client so.
class Pace {
 public:
  explicit Pace(PaceLimits limits) : limits_(limits) {}

  // Until when a client that has moved so many bytes in all has to move another; counted from the first time that it
  // was asked for since note_progress().
  TimePoint deadline(std::uint64_t bytes);
  // Behind each wait that was to end at deadline(): all of it was the client's time.
  void note_waited();
  void note_progress();

 private:
  void note_look();

  const PaceLimits limits_;
  TimePoint stalled_since_ = kNever;  // when the client was found to have moved nothing more
  TimePoint looked_ = kNever;         // since then: when the plugin last looked for more, or has waited for it
  Duration waited_{};                 // how long the plugin has waited for the client, all times together
};

}  // namespace forklift::worker
