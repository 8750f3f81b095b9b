// Where a configuration writes to, and whom it names besides users: what `serve` would find out when it opens them.
#pragma once

#include "config/config.h"
#include "config/reader.h"

namespace forklift::machine {

// Found out by looking, as this process and the user that it runs as; nothing is made. All findings in one go:
// - a folder that is not there, or that this user may not write to: of the log, the access logs, the pid file and Unix
//   sockets,
// - where this user is root, a log that others could lead elsewhere (base/append_file.h),
// - what stands there already and is something else: a folder for a log, a file for a socket, a text for a pid,
// - a runtime_dir that is not safe, or cannot be made,
// - a numeric host that this machine does not have,
// - an owner or a group of a Unix socket that nobody knows.
// Ports are not looked at: whoever holds one now may be the server that is to be replaced.  [check]
config::Findings check_surroundings(const config::Config& config);

}  // namespace forklift::machine
