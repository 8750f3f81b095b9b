#include "master/spawner.h"

#include <unistd.h>

#include <cerrno>

#include "master/memory_reserve.h"

namespace forklift::master {

Result<void> Spawner::spawn(WorkerSlot& slot, std::shared_ptr<Generation> generation) {
  const std::size_t largest = sizeof(ipc::Lend) + generation->lend_bytes;
  auto channel = ipc::Channel::make_pair(largest);
  if (!channel) return Failure(channel.error());
  auto page = ipc::SharedPage::create();
  if (!page) return Failure(page.error());
  auto output = ipc::WorkerOutput::make();
  if (!output) return Failure(output.error());
  if (generation->image) channel->first.refuse_descriptors();

  slot.serial = ++last_serial_;
  slot.generation = std::move(generation);
  slot.page = std::move(*page);
  slot.output = std::move(output->output);
  slot.started = Clock::now();

  const pid_t master = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) {
    const int error = errno;
    slot.output = {};  // a slot that is used again may be one for ever
    slot.page = {};
    return fail_errno("fork", error);
  }
  if (pid == 0) {
    memory_reserve::give_up();
    forget_(slot);
    worker_main_({.app = slot.generation->config,
                  .identity = slot.generation->identity,
                  .generation = slot.generation->number,
                  .lend_bytes = slot.generation->lend_bytes,
                  .runtime_dir = runtime_dir_,
                  .descriptors = descriptors_,
                  .master = master,
                  .channel = std::move(channel->second),
                  .page = std::move(slot.page),
                  .standard_output = std::move(output->standard_output),
                  .standard_error = std::move(output->standard_error),
                  .image = slot.generation->image ? std::move(*slot.generation->image) : UniqueFd{}});
    ::_exit(1);
  }
  // The worker does the same; whoever comes second finds it done. A group of its own keeps Ctrl-C from the terminal
  // away from a request in flight, and lets one kill end what the plugin has forked.
  ::setpgid(pid, pid);
  slot.pid = pid;
  slot.channel = std::move(channel->first);
  return {};
}

}  // namespace forklift::master
