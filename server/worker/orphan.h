// What becomes of a worker whose master dies without saying goodbye (SIGKILL, a crash): it may finish its request,
// within timeouts.stop, and is gone then.
#pragma once

#include <sys/types.h>

#include "base/clock.h"
#include "base/result.h"

namespace forklift::worker {

// Has the kernel end this process with its parent (PR_SET_PDEATHSIG, prctl(2)): for as long as it has no request to
// finish. A change of user, and die_with(), take it back.
//
// `master` is the parent's pid as it was before the fork; if it is gone already, the process ends at once.  [worker]
Result<void> die_at_once_with(pid_t master);

// Has the kernel tell this process of its parent's death (PR_SET_PDEATHSIG, prctl(2)). From then on a timer of the
// kernel counts `grace` and ends the process with SIGKILL, which no mask and no handler of the plugin holds up. (A
// plugin that blocks the highest real-time signal but one, or takes it for itself, switches this off.) An idle worker
// does not need it: the end of its channel tells it the same.
//
// `master` as above. To be called after the user was changed, which makes the kernel forget the request.  [worker]
Result<void> die_with(pid_t master, Duration grace);

}  // namespace forklift::worker
