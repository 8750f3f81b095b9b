// Where a worker's standard output and standard error lead.
#pragma once

#include "base/result.h"

namespace forklift::worker {

// Makes the two descriptors, which are none of 0, 1 and 2, standard output and standard error: the sockets that the
// master reads line by line. Theirs stay open, and are the caller's to close.  [worker, before the plugin is opened]
Result<void> redirect_output(int standard_output, int standard_error);

}  // namespace forklift::worker
