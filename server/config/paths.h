// Paths: what they are relative to, and where the server keeps its own files.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "base/result.h"

namespace forklift::config {

// `path` as an absolute one without `.` and `..`; a relative one starts at `folder`, which is absolute and real.
std::string resolve(std::string_view path, const std::string& folder);

// Fails where a path cannot be printed as it is, in messages and in the log: it would end a line or drive a terminal.
Result<void> check_shows(std::string_view path);

// `path` with its symbolic links followed as far as it exists, absolute.
std::string real_path(const std::string& path);

// Where `runtime_dir` is if the configuration does not say: /run/forklift/ID for root, else
// `xdg_runtime_dir`/forklift/ID (nullptr, empty or relative: there is none), else /tmp/forklift-UID/ID. ID is made from
// the configuration's real path, so that two servers have two folders and the commands find the one that belongs to
// their file.
std::string default_runtime_dir(const std::string& real_file, uid_t user, const char* xdg_runtime_dir);

// Where the socket of the commands is if the configuration does not say.
std::string default_control(const std::string& runtime_dir);

}  // namespace forklift::config
