// What may wait, start threads or load libraries, in a process of its own: none of that may happen in the master.
#pragma once

#include <functional>
#include <string>

#include "base/clock.h"
#include "base/result.h"

namespace forklift::machine {

// Runs `work` in a new process, and returns the text that it has returned there: at most 1 MiB of it. The process has
// `patience` for it, for which the caller waits, and is killed then. An exception in `work`, or its death, is an empty
// text.  [master, before it serves; loader; check]
Result<std::string> say_elsewhere(const std::function<std::string()>& work, Duration patience);

}  // namespace forklift::machine
