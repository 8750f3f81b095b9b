// A start that nobody waits for: what `check` does with each plugin.
#pragma once

#include "worker/start.h"

namespace forklift::worker {

// Takes the very steps that a worker takes, up to CREATED; then names the libraries that the plugin has brought along
// from outside the system's folders (ipc::Library), calls the plugin's destroy, because a plugin that was created may
// have something to put away, and ends with _exit, 0 if all went well. Dies at once with the process that has forked
// it. [a process that check throws away]
[[noreturn]] void rehearse(Assignment assignment);

}  // namespace forklift::worker
