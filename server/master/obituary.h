// What a dead worker leaves behind: a connection whose fate has to be decided, and a line in the log.
#pragma once

#include <string>
#include <string_view>

#include "base/log.h"
#include "master/slot.h"

namespace forklift::master {

// `app "shop" generation 3 worker 4711`: how every line about a worker begins.
std::string describe_worker(std::string_view app, const WorkerSlot& slot);

// What becomes of the connection that was lent to a worker which is dead, and whose channel was read to the end (or
// which is given up).
enum class Fate {
  kNothing,    // it had none
  kLendAgain,  // the worker never took it: another one may, for up to kLendsMax lends
  kAnswer502,  // taken, and nothing of the response was sent
  kAnswer504,  // the same, and it was the master that killed the worker for taking too long
  kAbort,      // part of the response was sent
  kAbortHeld,  // the worker does not end, and still has it
  kComplete,   // all of the response was sent, and only the report of it is missing
  kProbe,      // it was reload.probe, and no client waits
};

// A third death in a row before the request was taken is no accident.
inline constexpr unsigned kLendsMax = 3;

Fate fate_of(const WorkerSlot& slot);

struct Obituary {
  log::Level level;
  std::string line;
};

// The log line: app, generation, pid, signal or status, what the worker was doing, and what its client gets. Level
// debug where the worker has left as it was told to. Everything that comes from the shared page is quoted.
Obituary write_obituary(std::string_view app, const WorkerSlot& slot, int wait_status, Fate fate, TimePoint now);

// The same of a worker that SIGKILL does not end, and that is given up. It stands before settle() takes its request.
std::string describe_undying(std::string_view app, const WorkerSlot& slot, Duration since_kill, TimePoint now);

}  // namespace forklift::master
