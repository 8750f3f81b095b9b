// What one app's workers are not to find in their memory of another app.
#pragma once

#include "config/config.h"

namespace forklift::config {

// Overwrites what an app's configuration may keep secret, settings and environment, where it stands. The app is of no
// use afterwards.  [worker, of another app]
void scrub(App& app);

// Overwrites what functions that have returned have left below the caller's frame on the stack.
void wipe_stack();

// While one lives, memory that is given back is overwritten; at its end, so is what malloc(3) and the stack still hold
// of it: a configuration that was read leaves no copies of its texts beside itself. (The last eight bytes of a block
// may stay: there the allocator keeps its own.) Not for threads.
class Traceless {
 public:
  Traceless();
  ~Traceless();
  Traceless(const Traceless&) = delete;
  Traceless& operator=(const Traceless&) = delete;
};

}  // namespace forklift::config
