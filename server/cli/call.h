// `forklift call`.
#pragma once

#include "cli/arguments.h"

namespace forklift::cli {

// Opens the plugin in this process, creates it, has it answer the request, once or more often, and destroys it; what a
// worker does, by the worker's own code, without its confinement. The first response's body goes to standard output,
// and everything else to standard error, what the plugin prints included. Ends the process as a worker does: without
// static destructors (worker/leave.h).
[[noreturn]] void call(const Arguments& arguments);

}  // namespace forklift::cli
