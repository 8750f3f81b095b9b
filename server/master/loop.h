// What every part of the master waits with.
#pragma once

#include "base/poller.h"
#include "base/timers.h"

namespace forklift::master {

// The kinds of Token in the master's poller.
enum class Watch : std::uint8_t {
  kSignals = 1,
  kListener,
  kConnection,
  kChannel,
  kStandardOutput,
  kStandardError,
  kControl,
  kControlClient,
  kProbe,
  kLoader
};

// What belongs to a worker is named by its serial alone (worker_index.h).
inline Token token(Watch watch, std::uint32_t index, std::uint32_t serial) {
  return {static_cast<std::uint8_t>(watch), index, serial};
}

struct Loop {
  Poller poller;
  Timers timers;
};

}  // namespace forklift::master
