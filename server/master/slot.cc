#include "master/slot.h"

#include <array>
#include <bit>

namespace forklift::master {

namespace {

using State = SlotState;
constexpr std::optional<State> kNo = std::nullopt;

constexpr std::optional<State> kTransitions[5][5] = {
    //               kReady           kLent         kDone            kDrain            kDied
    /* STARTING */ {State::kIdle, kNo, kNo, State::kDraining, State::kGone},
    /* IDLE     */ {kNo, State::kBusy, kNo, State::kDraining, State::kGone},
    /* BUSY     */ {kNo, kNo, State::kIdle, State::kDraining, State::kGone},
    /* DRAINING */ {State::kDraining, kNo, State::kDraining, State::kDraining, State::kGone},
    /* GONE     */ {kNo, kNo, kNo, kNo, kNo},
};

void make_new(WorkerSlot& slot) {
  slot.pid = 0;
  slot.generation.reset();
  slot.channel.close();
  slot.page = {};
  slot.output = {};
  slot.next_step = ipc::Step::kForked;
  slot.failure.clear();
  slot.killed = KillReason::kNone;
  slot.told_to_leave = false;
  slot.reaped = false;
  slot.given_up = false;
  slot.has_served = false;
  slot.requests = 0;
  slot.memory_bytes = 0;
  slot.lent = nullptr;
  slot.lend_serial = 0;
  slot.defers_since.reset();
  slot.requests_left = 0;
  slot.deadline.cancel();
}

}  // namespace

std::string_view to_string(SlotState state) {
  constexpr std::array<std::string_view, 5> kNames = {"STARTING", "IDLE", "BUSY", "DRAINING", "GONE"};
  return kNames.at(static_cast<std::size_t>(state));
}

std::optional<SlotState> transition(SlotState state, SlotEvent event) {
  return kTransitions[static_cast<std::size_t>(state)][static_cast<std::size_t>(event)];
}

bool was_stopped(const WorkerSlot& slot) {
  return slot.killed == KillReason::kStopTimeout || slot.killed == KillReason::kStopAtOnce;
}

bool failed_to_start(const WorkerSlot& slot) {
  const bool was_to_leave =
      slot.killed == KillReason::kLeaveTimeout || slot.killed == KillReason::kDrainTimeout || was_stopped(slot);
  return slot.next_step && !was_to_leave;
}

WorkerSlot& SlotTable::open() {
  for (const auto& slot : slots_) {
    if (slot->state != State::kGone) continue;
    make_new(*slot);
    enter(*slot, State::kStarting);
    return *slot;
  }
  const auto index = static_cast<std::uint32_t>(slots_.size());
  slots_.push_back(std::make_unique<WorkerSlot>(index));
  slots_.back()->on_deadline = on_deadline_;
  idle_.resize(index / 64 + 1);
  counts_[static_cast<std::size_t>(State::kGone)]++;
  make_new(*slots_.back());
  enter(*slots_.back(), State::kStarting);
  return *slots_.back();
}

bool SlotTable::apply(WorkerSlot& slot, SlotEvent event) {
  const auto next = transition(slot.state, event);
  if (next) enter(slot, *next);
  return next.has_value();
}

void SlotTable::enter(WorkerSlot& slot, SlotState state) {
  --counts_[static_cast<std::size_t>(slot.state)];
  ++counts_[static_cast<std::size_t>(state)];
  slot.state = state;
  const std::uint64_t bit = std::uint64_t{1} << (slot.index % 64);
  auto& word = idle_[slot.index / 64];
  word = state == State::kIdle ? word | bit : word & ~bit;
}

WorkerSlot* SlotTable::lowest_idle() {
  for (std::size_t i = 0; i < idle_.size(); ++i) {
    if (idle_[i] != 0) return slots_[i * 64 + static_cast<std::size_t>(std::countr_zero(idle_[i]))].get();
  }
  return nullptr;
}

WorkerSlot* SlotTable::find(std::uint32_t index, std::uint32_t serial) {
  if (index >= slots_.size()) return nullptr;
  WorkerSlot& slot = *slots_[index];
  return slot.serial == serial && slot.state != State::kGone ? &slot : nullptr;
}

unsigned SlotTable::live() const {
  return count(State::kStarting) + count(State::kIdle) + count(State::kBusy);
}

}  // namespace forklift::master
