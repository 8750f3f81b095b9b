// What workers say to their pool.
#include <algorithm>
#include <array>
#include <cstring>

#include "base/log.h"
#include "base/quote.h"
#include "config/units.h"
#include "master/worker_pool.h"

namespace forklift::master {

namespace {

// The last words of any worker: they are bounded, and the master has one thread.
std::array<char, sizeof(ipc::Failed) + ipc::kTextMax> g_words;

}  // namespace

void WorkerPool::forget_words() {
  ::explicit_bzero(g_words.data(), g_words.size());
}

void WorkerPool::on_channel(WorkerSlot& slot) {
  read_message(slot);
}

// To the channel's end: a DONE that was said before the death counts. What else has its other end, a process that the
// plugin has forked and that has left the group, may go on writing, which is not waited for.
void WorkerPool::hear_out(WorkerSlot& slot) {
  std::size_t left = slot.channel.backlog_max();
  while (const std::size_t cost = read_message(slot)) {
    if (cost >= left) return;
    left -= cost;
  }
}

// Reads one message; the poller reports again while there are more. Returns its size with kMessageCost, 0 if none is
// there any more.
std::size_t WorkerPool::read_message(WorkerSlot& slot) {
  iovec part{g_words.data(), g_words.size()};
  auto received = slot.channel.receive({&part, 1}, ipc::Wait::kNo);
  if (!received) {
    broken_protocol(slot, received.error().message());
    return 0;
  }
  if (!*received) return 0;
  if ((*received)->bytes == 0) {
    // Its end of the channel is closed: it is dying, or its plugin has closed what is not its own. Until it is reaped
    // the poller would spin.
    loop_.poller.remove(slot.channel.fd());
    kill(slot, KillReason::kBrokenProtocol);
    return 0;
  }
  if ((*received)->lost_fd) {
    broken_protocol(slot, "a message has lost its descriptor: too many are open");
    return 0;
  }
  const std::size_t bytes = (*received)->bytes;
  on_message(slot, {g_words.data(), bytes}, std::move((*received)->fd));
  return bytes + ipc::Channel::kMessageCost;
}

void WorkerPool::on_message(WorkerSlot& slot, std::string_view bytes, UniqueFd fd) {
  const ipc::MessageType type = ipc::type_of(bytes);
  if (type == ipc::MessageType::kStep) {
    if (ipc::StepReached m; ipc::take(bytes, m)) return on_step(slot, m.step);
  } else if (type == ipc::MessageType::kImage) {
    if (fd) return on_image(slot, std::move(fd));
  } else if (type == ipc::MessageType::kPlugin) {
    if (ipc::Plugin m; ipc::take(bytes, m)) return on_plugin(slot, bytes);
  } else if (type == ipc::MessageType::kFailed) {
    if (ipc::Failed m; ipc::take(bytes, m)) return on_failed(slot, m.step, bytes);
  } else if (type == ipc::MessageType::kDone) {
    if (ipc::Done m; ipc::take(bytes, m)) return on_done(slot, m);
  } else if (type == ipc::MessageType::kFree) {
    if (ipc::Free m; ipc::take(bytes, m)) return on_free(slot, m);
  } else if (type == ipc::MessageType::kLog) {
    if (ipc::LogLine m; ipc::take(bytes, m)) return on_log_line(slot, m.level, bytes);
  }
  broken_protocol(slot, "a message that is none");
}

void WorkerPool::on_step(WorkerSlot& slot, ipc::Step step) {
  if (slot.killed != KillReason::kNone) return;  // too late
  if (!slot.next_step) return broken_protocol(slot, "a step of a start that is over");
  if (step != ipc::Step::kReady) {
    slot.next_step = static_cast<ipc::Step>(static_cast<std::uint32_t>(step) + 1);
    // The others take the image of the first.
    if (slot.next_step == ipc::Step::kImaged && slot.generation->image) slot.next_step = ipc::Step::kConfined;
    return;
  }
  slot.next_step.reset();
  slots_.apply(slot, SlotEvent::kReady);
  slot.generation->proved = true;
  // One that is DRAINING keeps the deadline that it has, of its leaving or of its request; nor does its pool run again.
  const bool serves = slot.state == SlotState::kIdle;
  if (serves) {
    slot.deadline.cancel();
    became_idle(slot);
  }
  if (serves && state_ != AppState::kRunning) {
    if (purpose_ == Purpose::kServe) log::info("app \"{}\": {}", name(), describe_running(*slot.generation));
    state_ = AppState::kRunning;
  }
  log::debug("{}: READY after {:.1f} ms", label(slot),
             std::chrono::duration<double, std::milli>(Clock::now() - slot.started).count());
}

void WorkerPool::on_image(WorkerSlot& slot, UniqueFd image) {
  // Until IMAGED, no line of the plugin has run in that process; later, anything could come from there.
  if (slot.next_step != ipc::Step::kImaged || slot.generation->image) {
    return broken_protocol(slot, "an image that was not asked for");
  }
  slot.generation->image = std::make_shared<UniqueFd>(std::move(image));
  slot.channel.refuse_descriptors();
}

// Any of its workers may say so, and a plugin that has got so far may lie: it is for people only.
void WorkerPool::on_plugin(WorkerSlot& slot, std::string_view said) {
  if (slot.killed != KillReason::kNone) return;  // as a step: too late
  if (slot.next_step != ipc::Step::kChecked) return broken_protocol(slot, "a plugin's name at another step");
  if (slot.generation->plugin.name.empty()) slot.generation->plugin = to_plugin_facts(said);
}

void WorkerPool::on_failed(WorkerSlot& slot, ipc::Step step, std::string_view reason) {
  if (!slot.next_step) return broken_protocol(slot, "a failure of a start that is over");
  slot.next_step = step;
  slot.failure = escape_controls(reason);
}

void WorkerPool::on_done(WorkerSlot& slot, const ipc::Done& done) {
  const bool defers = done.defers != 0;
  // One that defers stays what it is, BUSY or DRAINING.
  if (!slot.lent || done.serial != slot.lend_serial || (!defers && !slots_.apply(slot, SlotEvent::kDone))) {
    return broken_protocol(slot, "DONE for a request that was not lent");
  }
  if (slot.killed == KillReason::kNone) slot.deadline.cancel();
  slot.has_served = true;
  slot.requests++;
  counts_.requests++;
  backoff_.succeeded(slot.started);
  if (defers) slot.defers_since = Clock::now();
  const bool known = done.ending == ipc::Ending::kComplete || done.ending == ipc::Ending::kLinger ||
                     done.ending == ipc::Ending::kAbort;
  owner().on_done(*std::exchange(slot.lent, nullptr), done);
  if (!known) return broken_protocol(slot, "DONE with an unknown ending");
  if (slot.killed != KillReason::kNone) return;
  if (!defers) return request_is_over(slot, done.memory_bytes);
  slot.deadline.set(loop_.timers, deadline_after(*slot.defers_since, slot.generation->config.timeouts.request));
}

void WorkerPool::on_free(WorkerSlot& slot, const ipc::Free& free) {
  if (!slot.defers_since || free.serial != slot.lend_serial || !slots_.apply(slot, SlotEvent::kDone)) {
    return broken_protocol(slot, "FREE without deferred work");
  }
  slot.defers_since.reset();
  if (slot.killed != KillReason::kNone) return;
  slot.deadline.cancel();
  request_is_over(slot, free.memory_bytes);
}

// And so is its deferred work, where there was some.
void WorkerPool::request_is_over(WorkerSlot& slot, std::uint64_t memory_bytes) {
  slot.memory_bytes = memory_bytes;
  const std::uint64_t max_memory = slot.generation->config.workers.max_memory;
  if (max_memory > 0 && memory_bytes > max_memory && slot.state == SlotState::kIdle) {
    log::info("{}: has {} MiB in memory, above workers.max_memory ({}); recycling it", label(slot), memory_bytes >> 20,
              config::format_size(max_memory));
    return drain(slot);
  }
  if (slot.state == SlotState::kIdle) return became_idle(slot);
  // It is to leave, and has nothing more to do.
  if (!slot.told_to_leave) return tell_to_leave(slot);
  slot.deadline.set(loop_.timers, Clock::now() + slot.generation->config.timeouts.stop);
}

void WorkerPool::on_log_line(const WorkerSlot& slot, std::uint32_t level, std::string_view text) const {
  const auto known = static_cast<log::Level>(std::min(level, static_cast<std::uint32_t>(log::Level::kError)));
  if (log::enabled(known)) log::write(known, fmt::format("{}: {}", label(slot), escape_controls(text)));
}

void WorkerPool::on_output(WorkerSlot& slot, ipc::Stream stream) {
  const bool more =
      slot.output.read(stream, [&](ipc::Stream from, std::string_view line) { log_output(slot, from, line); });
  // The plugin has closed it. Until the worker is reaped the poller would spin.
  if (!more) loop_.poller.remove(slot.output.fd(stream));
}

void WorkerPool::log_output(const WorkerSlot& slot, ipc::Stream stream, std::string_view line) const {
  const log::Level level = stream == ipc::Stream::kError ? log::Level::kWarning : log::Level::kInfo;
  if (log::enabled(level)) {
    log::write(level, fmt::format("{} {}: {}", label(slot), ipc::to_string(stream), escape_controls(line)));
  }
}

void WorkerPool::broken_protocol(WorkerSlot& slot, std::string_view what) {
  log::error("{}: sent {}; killing it", label(slot), what);
  kill(slot, KillReason::kBrokenProtocol);
}

}  // namespace forklift::master
