// Files that somebody else has named, opened without harm.
#pragma once

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace forklift::plugin {

// Opens `path` for reading if it is a regular file, and else not at all: whoever opens a device may set it going (a
// watchdog), and whoever opens a FIFO lets its writer go on. Never waits. Errors name the path.
Result<UniqueFd> open_regular_file(const std::string& path);

}  // namespace forklift::plugin
