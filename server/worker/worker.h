// A worker: the process between a fork of the master and its own _exit.
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <cstdint>
#include <string>

#include "base/identity.h"
#include "base/unique_fd.h"
#include "config/config.h"
#include "ipc/channel.h"
#include "ipc/page.h"

namespace forklift::worker {

// What the master gives to a worker that it has just forked.
struct Assignment {
  const config::App& app;
  const Identity& identity;
  std::uint64_t generation = 0;
  std::string runtime_dir;
  rlimit descriptors{};  // the limit to run with, unless the app sets its own
  pid_t master = 0;
  ipc::Channel channel;
  ipc::SharedPage page;
  UniqueFd standard_output;
  UniqueFd standard_error;
  UniqueFd image;  // empty for the first worker of a generation, which makes it
};

// Takes the steps to READY, reporting each, and answers requests until the master says drain or is gone. Never returns:
// the process ends with _exit, 0 after a drain.  [worker]
[[noreturn]] void run(Assignment assignment);

}  // namespace forklift::worker
