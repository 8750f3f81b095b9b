// `forklift status`, `stop`, `reload` and `restart`: the commands that talk to a running server.
#pragma once

#include "cli/arguments.h"

namespace forklift::cli {

// Runs the command, which is one of these four, and returns its exit status. What it has to tell goes to standard
// output, what went wrong to standard error. A signal ends the command, and not what it has asked for.
int remote(const Arguments& arguments);

}  // namespace forklift::cli
