// What a worker gives up between its fork and the first line of the plugin.
#pragma once

#include <sys/resource.h>

#include <span>

#include "base/result.h"

namespace forklift::worker {

// Closes every descriptor but 0, 1, 2 and those in `keep`: the one list of what a worker inherits. Standard input
// becomes /dev/null. A process group of its own, default signals. [worker, first thing after the fork]
Result<void> let_go(std::span<const int> keep);

// no_new_privs, and the descriptor limit that the master had been started with (it raises its own).  [worker, before
// the plugin is opened]
Result<void> confine(const rlimit& descriptors);

}  // namespace forklift::worker
