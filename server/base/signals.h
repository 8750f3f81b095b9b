// Signals as readable events.
#pragma once

#include <csignal>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace forklift {

// Blocks every signal that the master understands, and ignores SIGPIPE and SIGXFSZ. The first thing that main() does: a signal that
// comes during the start waits for SignalEvents, instead of killing a half-made server.
void block_signals();

// In a worker: an empty mask and default actions again, except that SIGPIPE stays ignored (a client that went away is a
// result of write, not a death).
void restore_signals();

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
