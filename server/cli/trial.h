// The start of a plugin in a process that is thrown away.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/identity.h"
#include "base/result.h"
#include "base/signals.h"
#include "config/config.h"
#include "ipc/message.h"

namespace forklift::cli {

// How a trial has ended.
struct Trial {
  enum class End {
    kFine,       // CREATED; see `warning`
    kRefused,    // a step was not reached, and `reason` is what the process has said about it
    kDied,       // the process has ended in the middle of the step; `reason`: how
    kTimeout,    // the step was not reached within timeouts.start
    kInterrupt,  // a signal told this command to end
  };
  End end = End::kFine;
  ipc::Step step = ipc::Step::kForked;  // the one that was not reached
  std::string reason;                   // one line, escaped
  std::string warning;                  // what went wrong behind CREATED, in destroy(); empty: nothing
  std::vector<std::string> libraries;   // that the plugin has loaded from outside the system's folders, escaped
  int signal = 0;                       // kInterrupt
};

// Forks a process that takes the steps of a worker of app number `index` up to CREATED, with timeouts.start for them,
// and then calls destroy(), with timeouts.stop for that (worker/rehearsal.h). Whatever the plugin does, this returns
// soon afterwards, and nothing of it is left: the process group is killed, and so is what has left it, unless this
// process had children of its own before. (The exception is a process that the kernel does not let go within five
// seconds of SIGKILL; the error, or a warning, says so.)
//
// `say` gets what the process logs and prints, as lines that name the app and the stream, escaped; at most a hundred of
// them, and then how many more there were. The error means that no process could be made.
//
// Signals are blocked (base/signals.h), and `signals` is where they come. In the new process, `config` loses what other
// apps keep secret.  [check; one thread]
using Say = std::function<void(std::string_view line)>;
Result<Trial> try_start(config::Config& config, std::size_t index, const Identity& identity, SignalEvents& signals,
                        const Say& say);

}  // namespace forklift::cli
