// Signals as readable events.
#pragma once

#include <csignal>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace forklift {

// Blocks every signal that the master understands, and ignores SIGPIPE and SIGXFSZ. The first thing that main() does: a
// signal that comes during the start waits for SignalEvents, instead of killing a half-made server.
void block_signals();

// In a worker, or a command: an empty mask, and nothing ignored but SIGPIPE and SIGXFSZ (a client that went away and a
// file that is as large as rlimits.fsize allows are results of write(2), no deaths). A handler that something else has
// installed stays: a preloaded library has done so before main(), as those of sanitizers and profilers.
void restore_signals();

// In a worker: HUP, USR1 and USR2 do nothing. They are for the master, and may be sent to all processes of a service
// (systemctl kill).
void survive_signals_of_master();

class SignalEvents {
 public:
  static Result<SignalEvents> create();

  // The signals that have come since the last call, each once.
  std::vector<int> take();

  int fd() const { return fd_.get(); }

 private:
  UniqueFd fd_;
};

}  // namespace forklift
