// Forks workers.
#pragma once

#include <sys/resource.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/identity.h"
#include "base/result.h"
#include "master/slot.h"

namespace forklift::master {

// What the master hands to the code that runs in the new process.
struct Birth {
  const config::App& app;
  const Identity& identity;
  std::uint64_t generation = 0;
  std::size_t lend_bytes = 0;
  std::string runtime_dir;
  rlimit descriptors{};  // the limit that the master itself was started with
  pid_t master = 0;
  ipc::Channel channel;
  ipc::SharedPage page;
  UniqueFd standard_output;  // what becomes its descriptors 1 and 2
  UniqueFd standard_error;
  UniqueFd image;  // empty for the first worker of a generation
};

class Spawner {
 public:
  // The worker's whole life; never returns. Given by main(), so that master and worker don't know each other.
  using WorkerMain = std::function<void(Birth)>;
  // Runs in the new process, before WorkerMain: lets go of what the master's memory holds for other workers.
  using Forget = std::function<void(const WorkerSlot&)>;

  Spawner(WorkerMain worker_main, std::string runtime_dir, rlimit descriptors)
      : worker_main_(std::move(worker_main)), runtime_dir_(std::move(runtime_dir)), descriptors_(descriptors) {}

  void set_forget(Forget forget) { forget_ = std::move(forget); }

  // Starts a worker of `generation` and fills in the slot, which is STARTING. On failure the slot has no process.
  // [master; single-threaded, or fork(2) would not be safe]
  Result<void> spawn(WorkerSlot& slot, std::shared_ptr<Generation> generation);

 private:
  WorkerMain worker_main_;
  Forget forget_;
  std::string runtime_dir_;
  rlimit descriptors_;
  std::uint32_t last_serial_ = 0;
};

}  // namespace forklift::master
