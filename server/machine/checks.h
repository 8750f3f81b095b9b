// What a sound configuration asks of this machine, and cannot have.
#pragma once

#include "config/config.h"
#include "config/reader.h"

namespace forklift::machine {

// Found out by looking, with all findings in one go; nothing is bound, made or tried. `serve` does not start with any
// of these, and `check` tells them. As it is for this process and the user that it runs as:
// - a plugin that others may write to (base/code_path.h), where this user is root,
// - `rlimits` above what a worker could be given,
// - `limits.connections`, unless it is the default, for which the server may not have as many descriptors.
// None where all is well.  [master or check, before anything is started]
config::Findings check(const config::App& app);
config::Findings check(const config::Config& config);

}  // namespace forklift::machine
