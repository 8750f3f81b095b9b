// Whether a worker that has a request is still getting on with it.
#pragma once

#include "master/slot.h"

namespace forklift::master {

struct Progress {
  bool overdue = false;           // timeouts.request has passed: the worker is to be killed
  TimePoint look_again = kNever;  // else: when to ask the next time
};

// timeouts.request is time in the plugin: waiting for the client has deadlines of its own, in the worker. A worker that
// is late for those cannot keep them, because it was stopped; it has had timeouts.request on top. In deferred work
// nobody waits for a client, and each work that begins is progress. `slot` has a lent connection, or is at deferred
// work; what its shared page says is not trusted.
Progress progress_of(const WorkerSlot& slot);

}  // namespace forklift::master
