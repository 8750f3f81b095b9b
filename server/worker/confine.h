// What a worker gives up between its fork and the first line of the plugin.
#pragma once

#include <sys/resource.h>

#include <span>

#include "base/identity.h"
#include "base/result.h"
#include "config/config.h"

namespace forklift::worker {

// Closes every descriptor but 0, 1, 2 and those in `keep`: the one list of what a worker inherits. Standard input
// becomes /dev/null. No terminal, a process group of its own, default signals. [worker, first thing after the fork]
Result<void> let_go(std::span<const int> keep);

// Makes the process what `confinement` and `identity` say, in the only order that works: what needs root, then the
// change of the user, then what the new user must be able to do itself. Afterwards it has
// - its resource limits; `descriptors` where the app sets none of its own: the limit that the master had been started
//   with (it raises its own),
// - another root folder; in whichever it is, a proc file system must be mounted: the image is opened through it,
// - umask, groups and user (set-user-ID included, so that there is no way back), and the folder in which it works,
// - unless it is to be root, no capability, and none of the keys of whoever has started the server,
// - an environment of its own (environment.h), no_new_privs, and core dumps where rlimits.core asks for them,
// - an OOM score above the master's.
// The error names the key of the configuration that cannot be had.  [worker, before the plugin is opened]
Result<void> confine(const config::Confinement& confinement, const Identity& identity, const rlimit& descriptors);

}  // namespace forklift::worker
