// The environment of a worker: nothing of the master's.
#pragma once

#include "base/identity.h"
#include "config/config.h"

namespace forklift::worker {

// Makes the environment anew: PATH, HOME and USER (where somebody knows them), and over them what the app names. The
// master's is overwritten where it stands, because a process can read its own memory, and /proc shows it, too. [worker]
void rebuild_environment(const config::Confinement& confinement, const Identity& identity);

}  // namespace forklift::worker
