// Whether a file may be taken for the pid of a server: a path that is wrong must not cost somebody their file.
#pragma once

#include <string>

#include "base/result.h"

namespace forklift::machine {

// What is open as `fd` is a file.
Result<void> check_pid_is_file(const std::string& path, int fd);

// Nothing stands in it but what a server writes, as far as that came.
Result<void> check_pid_content(const std::string& path, int fd);

// What taking `path` for a pid file would fail with, but for a server that holds it now.  [check]
Result<void> check_pid_path(const std::string& path);

}  // namespace forklift::machine
