// Files that lines are appended to: logs.
#pragma once

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace forklift {

// Opens `path` for appending, without ever waiting: neither here for the reader of a FIFO (it is an error if there is
// none) nor later for room in a pipe. Created with mode 0640, close-on-exec.
Result<UniqueFd> open_append_file(const std::string& path);

// Whether two descriptors lead to the same file; false where one leads nowhere.
bool is_same_file(int a, int b);

}  // namespace forklift
