// `forklift new`.
#pragma once

#include "cli/arguments.h"

namespace forklift::cli {

// Makes the project and says on standard output how to go on. Returns the command's exit status.
int new_project(const Arguments& arguments);

}  // namespace forklift::cli
