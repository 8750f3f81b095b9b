// What a plugin's process has started, and left behind outside its process group.
#pragma once

#include "base/clock.h"

namespace forklift::cli {

// Makes this process the parent of its descendants' orphans (PR_SET_CHILD_SUBREAPER(2const)), so that a daemon which a
// plugin has started can be found.
class Orphans {
 public:
  // Before the fork. A process that has children already (somebody may have started it by exec from a shell with jobs)
  // could not tell whose orphans it gets, and stays out of it.
  void adopt();

  // Ends all children that this process has, with SIGKILL, until there are none or `deadline` has come. Nothing happens
  // without adopt(), or where it stayed out of it.
  void end(TimePoint deadline);

 private:
  bool adopts_ = false;
};

}  // namespace forklift::cli
