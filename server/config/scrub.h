// What one app's workers are not to find in their memory of another app.
#pragma once

#include <string>

#include "config/config.h"

namespace forklift::config {

// Overwrites what an app's configuration may keep secret, settings and environment, where it stands. The app is of no
// use afterwards.  [worker, of another app]
void scrub(App& app);

// Overwrites a text, and what stood behind its end before. It is empty afterwards, and of use.
void scrub(std::string& text);

// Overwrites what functions that have returned have left below the caller's frame on the stack.
void wipe_stack();

// From now on, memory that is given back is overwritten, but for the few blocks of each size that malloc(3) keeps as
// they are for the next one. (That costs nothing where nothing is given back: the master's way of a request.)
void overwrite_what_is_freed();

// In a process that was forked from one which does so, and that goes a way of its own: overwrites those blocks, and
// what stands below the caller's frame on the stack. What is given back from now on stays as it is.
void forget_what_was_freed();

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
