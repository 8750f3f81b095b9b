// The master's record of a worker, and the table of states that it goes through.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/timers.h"
#include "ipc/channel.h"
#include "ipc/message.h"
#include "ipc/page.h"
#include "ipc/worker_output.h"
#include "master/generation.h"

namespace forklift::master {

struct Connection;

enum class SlotState { kStarting, kIdle, kBusy, kDraining, kGone };
enum class SlotEvent {
  kReady,  // the worker has taken all steps of its start
  kLent,   // a connection was lent to it
  kDone,   // it has answered, and no deferred work is left
  kDrain,  // it was told to leave
  kDied,   // it was reaped
};

std::string_view to_string(SlotState state);

// The state after `event`; nullopt where it cannot happen in `state` (a worker that says so is broken). No side
// effects.
std::optional<SlotState> transition(SlotState state, SlotEvent event);

// Why the master has killed a worker.
enum class KillReason {
  kNone,
  kStartTimeout,
  kRequestTimeout,
  kTotalTimeout,
  kLeaveTimeout,  // told to leave, and still there after timeouts.stop
  kStopTimeout,
  kStopAtOnce,    // by a second TERM, or because the server could not start
  kDrainTimeout,  // of an older generation or a removed app, and its request has taken longer than timeouts.drain
  kBrokenProtocol,
};

struct WorkerSlot {
  explicit WorkerSlot(std::uint32_t i) : index(i) {}

  const std::uint32_t index;
  std::uint32_t serial = 0;  // of the worker, for the poller
  SlotState state = SlotState::kGone;
  pid_t pid = 0;
  std::shared_ptr<Generation> generation;
  ipc::Channel channel;
  ipc::SharedPage page;
  ipc::WorkerOutput output;

  // Of its start, also where it was told to leave in it: what it has not reached yet. None once it was READY.
  std::optional<ipc::Step> next_step;
  std::string failure;  // what it said of its failed start
  KillReason killed = KillReason::kNone;
  bool told_to_leave = false;
  bool reaped = false;    // `pid` names nobody any more
  bool given_up = false;  // it does not die of SIGKILL; what it had is settled
  bool has_served = false;
  std::uint64_t requests = 0;      // that it has answered
  std::uint64_t memory_bytes = 0;  // behind the last one, where it was asked for
  TimePoint started;               // when it was forked
  TimePoint idle_since;
  std::uint64_t requests_left = 0;  // until it is recycled; 0 = without end

  Connection* lent = nullptr;  // until it says DONE or is reaped
  std::uint64_t lend_serial = 0;
  TimePoint lent_at;
  // Since when it is at the deferred work of the request that it has answered, until it says FREE or is reaped.
  std::optional<TimePoint> defers_since;
  bool has_work() const { return lent || defers_since; }
  // Of its start, of its request or deferred work, of its leaving, of its death after SIGKILL.
  Timer deadline{[this] { on_deadline(*this); }};
  std::function<void(WorkerSlot&)> on_deadline;
};

// Killed because the server stops.
bool was_stopped(const WorkerSlot& slot);

// Whether it has not come through its start, and not because it was to leave in it.
bool failed_to_start(const WorkerSlot& slot);

// The slots of one app. A slot that is GONE is used again; the lowest IDLE one is found without looking at the others.
class SlotTable {
 public:
  explicit SlotTable(std::function<void(WorkerSlot&)> on_deadline) : on_deadline_(std::move(on_deadline)) {}

  // A slot that is GONE, made new: STARTING, and without anything of its last worker.
  WorkerSlot& open();

  // Moves the slot to its next state; false, and nothing changed, where the event cannot happen.
  bool apply(WorkerSlot& slot, SlotEvent event);

  WorkerSlot* lowest_idle();
  WorkerSlot* find(std::uint32_t index, std::uint32_t serial);

  unsigned count(SlotState state) const { return counts_[static_cast<std::size_t>(state)]; }
  // Workers that serve or will: STARTING, IDLE and BUSY.
  unsigned live() const;
  // Processes: all that are not GONE.
  unsigned processes() const { return live() + count(SlotState::kDraining); }

  template <typename Visitor>
  void for_each(Visitor visit) {
    for (const auto& slot : slots_) {
      if (slot->state != SlotState::kGone) visit(*slot);
    }
  }

  template <typename Visitor>
  void for_each(Visitor visit) const {
    for (const auto& slot : slots_) {
      if (slot->state != SlotState::kGone) visit(std::as_const(*slot));
    }
  }

  template <typename Visitor>
  void for_each_from_top(Visitor visit) {
    for (std::size_t i = slots_.size(); i-- > 0;) {
      if (slots_[i]->state != SlotState::kGone) visit(*slots_[i]);
    }
  }

 private:
  void enter(WorkerSlot& slot, SlotState state);

  std::function<void(WorkerSlot&)> on_deadline_;
  std::vector<std::unique_ptr<WorkerSlot>> slots_;
  std::vector<std::uint64_t> idle_;  // one bit a slot
  unsigned counts_[5] = {};
};

}  // namespace forklift::master
