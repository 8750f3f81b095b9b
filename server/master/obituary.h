// The line that a dead worker leaves in the log.
#pragma once

#include <string>

#include "master/slot.h"

namespace forklift::master {

// `died of signal 11 (Segmentation fault), core dumped`, `exited with status 3`: from a wait status (waitpid(2)).
std::string describe_status(int wait_status);

// What the worker was doing: `while starting, before LOADED`, `idle`, `with GET "/x" since 1.25 s`. Everything that comes from
// the shared page is quoted.
std::string describe_work(const WorkerSlot& slot, TimePoint now);

}  // namespace forklift::master
