// What belongs to the process, and a plugin may leave changed behind a request.
#pragma once

#include <csignal>

#include <sys/stat.h>

#include "base/result.h"
#include "base/unique_fd.h"

namespace forklift::worker {

// The working folder, the umask, the signal mask and the real-time interval timer. Not: signal handlers, the
// environment, the locale, threads; a plugin that changes those does it for all later requests of its worker.
class ProcessState {
 public:
  // As it is now: when the plugin has been created.  [worker]
  static Result<ProcessState> take();

  // Puts it back. The timer is stopped, and what it has sent and was blocked is forgotten, unless a timer ran at the
  // time of take(): that one is the plugin's own matter.
  // Fails where the working folder cannot be had any more: the plugin has closed a descriptor that is not its own.
  // [worker, between two requests]
  Result<void> restore() const;

 private:
  UniqueFd folder_;
  mode_t umask_ = 0;
  sigset_t mask_{};
  bool has_timer_ = false;
};

}  // namespace forklift::worker
