// How a worker ends.
#pragma once

namespace forklift::worker {

// Ends the process with _exit(2), so that nothing of the master's is run at its end; but what standard output and
// standard error still hold is written, and a sanitizer build looks for leaks.  [worker]
[[noreturn]] void leave(int status);

}  // namespace forklift::worker
