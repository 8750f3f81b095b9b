// The start of a worker: from its fork to a plugin that has been created.
#pragma once

#include <forklift/plugin.h>
#include <sys/resource.h>
#include <sys/types.h>

#include <cstdint>
#include <string>

#include "base/clock.h"
#include "base/identity.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "config/config.h"
#include "ipc/channel.h"
#include "ipc/message.h"
#include "ipc/page.h"
#include "plugin/deferred_work.h"
#include "plugin/host_table.h"
#include "plugin/stats_table.h"

namespace forklift::worker {

// What the master gives to a worker that it has just forked; `check`, to a process that only tries the start.
struct Assignment {
  const config::App& app;
  const Identity& identity;
  std::uint64_t generation = 0;
  std::size_t lend_bytes = 0;  // the most that one lend carries
  std::string runtime_dir;
  rlimit descriptors{};  // the limit to run with, unless the app sets its own
  pid_t master = 0;      // whoever has forked
  ipc::Channel channel;
  ipc::SharedPage page;  // who only tries the start has one that nobody reads
  UniqueFd standard_output;
  UniqueFd standard_error;
  UniqueFd image;  // empty for the first worker of a generation, which makes it
};

// It cannot be moved, because the plugin holds addresses in it.
class Start {
 public:
  // `orphan_grace`: how long the process may go on when whoever has forked it is dead.
  Start(Assignment assignment, Duration orphan_grace);
  Start(const Start&) = delete;
  Start& operator=(const Start&) = delete;

  // Takes the steps FORKED to CREATED, reporting each. One that fails is reported with its reason, and ends the
  // process. [worker, first thing after the fork]
  void take();

  // Reports that a step was reached, or that it was not, and why; then, as above, the process ends.  [worker]
  void report(ipc::Step step, const Result<void>& result);

  // The plugin's destroy().  [worker, once, after take()]
  void destroy();

  Assignment& assignment() { return task_; }
  // After take().
  const forklift_plugin& plugin() const { return *plugin_; }
  void* instance() const { return instance_; }
  plugin::DeferredWork& deferred() { return deferred_; }

 private:
  Result<void> forked();
  Result<void> imaged();
  Result<void> confined();
  Result<void> fits();
  Result<void> loaded();
  Result<void> checked();
  Result<void> created();

  Assignment task_;
  const Duration orphan_grace_;
  plugin::HostTable host_;
  plugin::DeferredWork deferred_;
  plugin::StatsTable stats_;
  void* handle_ = nullptr;
  const forklift_plugin* plugin_ = nullptr;
  void* instance_ = nullptr;
};

}  // namespace forklift::worker
