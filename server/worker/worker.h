// A worker: the process between a fork of the master and its own _exit.
#pragma once

#include "worker/start.h"

namespace forklift::worker {

// Takes the steps to READY, reporting each, and answers requests until the master says drain or is gone. Never returns:
// the process ends with _exit, 0 after a drain.  [worker]
[[noreturn]] void run(Assignment assignment);

}  // namespace forklift::worker
