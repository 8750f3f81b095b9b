#include "master/worker_pool.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>

#include "base/counted.h"
#include "base/log.h"
#include "master/progress.h"

namespace forklift::master {

namespace {

constexpr Duration kLendRetry = milliseconds(50);

// A process in uninterruptible sleep does not die of SIGKILL; its client does not have to wait for it.
constexpr Duration kDeathGrace = seconds(5);

// Dead before it could show that it serves, and not because it was told to leave: as good as a start that has failed.
bool died_young(const WorkerSlot& slot) {
  return slot.state == SlotState::kStarting || (!slot.has_served && !slot.lent && !slot.told_to_leave);
}

// Whether nobody reads the channel any more. Else the kernel had no room, and may have some later.
bool is_gone(const Error& error) {
  return error.code() == EPIPE || error.code() == ECONNRESET || error.code() == ENOTCONN;
}

}  // namespace

std::string_view to_string(AppState state) {
  constexpr std::array<std::string_view, 4> kNames = {"starting", "running", "degraded", "stopped"};
  return kNames.at(static_cast<std::size_t>(state));
}

WorkerPool::WorkerPool(std::shared_ptr<Generation> generation, Purpose purpose, const Workshop& workshop,
                       PoolOwner& owner)
    : loop_(workshop.loop),
      spawner_(workshop.spawner),
      generations_(workshop.generations),
      workers_(workshop.workers),
      owner_(&owner),
      generation_(std::move(generation)),
      purpose_(purpose),
      slots_([this](WorkerSlot& slot) { on_slot_deadline(slot); }),
      retry_([this] { owner_->on_retry(); }),
      room_([this] { owner_->on_retry(); }),
      retire_([this] { retire_idle(); }),
      leave_by_([this] { slots_.for_each([this](WorkerSlot& slot) { kill(slot, overdue_); }); }) {}

void WorkerPool::serve(PoolOwner& owner) {
  owner_ = &owner;
  purpose_ = Purpose::kServe;
  // Nobody could ask them anything before.
  slots_.for_each([this](WorkerSlot& slot) {
    if (slot.state == SlotState::kIdle) became_idle(slot);
  });
}

// ---- starting workers ----

void WorkerPool::grow() {
  if (leaving_) return;
  const unsigned most = std::max(config().workers.max, 1U);
  while (slots_.live() < most) {
    // An app that is not running needs one worker to prove itself, however few it is to keep.
    const unsigned least = std::max(config().workers.min, state_ == AppState::kRunning ? 0U : 1U);
    const bool below_min = !stopping_ && slots_.live() < least;
    if (!below_min && owner().waiting() <= slots_.count(SlotState::kStarting)) return;
    // The first worker of a generation makes the image and proves that it serves; the others follow it.
    if (!generation_->proved && slots_.count(SlotState::kStarting) > 0) return;
    // A plugin whose end hangs must not fill the machine with processes. One more, because a worker's replacement
    // starts with its last request.
    if (slots_.count(SlotState::kDraining) > most) return warn_of_leavers();
    if (!backoff_.allows(Clock::now())) {
      if (!retry_.is_set()) retry_.set(loop_.timers, backoff_.until());
      return;
    }
    // A trial ends with the first worker that cannot be started; what is to come then is its owner's.
    if (!spawn() && purpose_ == Purpose::kTrial) return;
  }
  if (owner().waiting() == 0 || slots_.count(SlotState::kStarting) > 0) return;
  if (at_max_.pass(Clock::now())) {
    log::warning("app \"{}\": {} busy (workers.max); {} waiting", name(),
                 most == 1 ? "its only worker is" : fmt::format("all {} workers are", most),
                 counted(owner().waiting(), "request"));
  }
}

void WorkerPool::warn_of_leavers() {
  if (!leavers_.pass(Clock::now())) return;
  log::warning("app \"{}\": {} workers were told to leave and have not; no other is started before one of them is gone",
               name(), slots_.count(SlotState::kDraining));
}

bool WorkerPool::spawn() {
  WorkerSlot& slot = slots_.open();
  auto spawned = spawner_.spawn(slot, generation_);
  if (spawned) {
    workers_.add(*this, slot);
    spawned = loop_.poller.add(slot.channel.fd(), token(Watch::kChannel, 0, slot.serial), EPOLLIN);
    const std::pair<Watch, ipc::Stream> kStreams[] = {{Watch::kStandardOutput, ipc::Stream::kOutput},
                                                      {Watch::kStandardError, ipc::Stream::kError}};
    for (const auto& [watch, stream] : kStreams) {
      if (spawned) spawned = loop_.poller.add(slot.output.fd(stream), token(watch, 0, slot.serial), EPOLLIN);
    }
    counters_.forks++;
    if (!spawned) {
      // A fault of the machine's, and told below.
      kill(slot, KillReason::kBrokenProtocol);
      slot.given_up = slots_.apply(slot, SlotEvent::kDrain);
    }
  }
  if (!spawned) {
    if (slot.pid == 0) slots_.apply(slot, SlotEvent::kDied);
    start_failed(fmt::format("app \"{}\": a worker could not be started: {}", name(), spawned.error().message()));
    return false;
  }
  slot.requests_left = draw_max_requests();
  slot.deadline.set(loop_.timers, deadline_after(Clock::now(), slot.generation->config.timeouts.start));
  log::debug("{}: forked", label(slot));
  return true;
}

// `how` is the line that tells it. `was_ready`: it has died while it was idle, before it was asked anything.
void WorkerPool::start_failed(std::string_view how, bool was_ready) {
  if (purpose_ == Purpose::kTrial && slots_.live() == 0) return owner().on_trial_failed(how);
  log::error("{}", how);
  // Deaths of one wave are one failure: until the pause is over nothing new could have failed.
  const TimePoint now = Clock::now();
  const TimePoint until = backoff_.allows(now) ? backoff_.failed(now) : backoff_.until();
  if (!generation_->proved) new_generation();
  if (!stopping_) retry_.set(loop_.timers, until);
  // The first may have been killed by hand: requests wait for the next one.
  const bool goes_on = !was_ready || backoff_.pause() > kBackoffMin;
  if (slots_.live() == 0 && goes_on) {
    degrade(was_ready ? "one after another has died while idle" : "the last one could not start");
  }
}

// Each try of an unproved app takes a fresh image: the file may have been replaced by one that works.
void WorkerPool::new_generation() {
  generation_ = generations_.make(generation_->config, generation_->identity, generation_.get());
}

void WorkerPool::degrade(std::string_view why) {
  if (state_ != AppState::kDegraded) {
    log::error("app \"{}\": degraded: no worker lives and {}; answering 503", name(), why);
  }
  state_ = AppState::kDegraded;
  owner().on_degraded();
}

// ---- requests ----

WorkerPool::Lend WorkerPool::lend(WorkerSlot& slot, Connection& connection) {
  const ipc::Lend lend{.bytes = static_cast<std::uint32_t>(connection.bytes),
                       .head_bytes = static_cast<std::uint32_t>(connection.head_bytes),
                       .unread = static_cast<std::uint32_t>(connection.unread),
                       .serial = last_lend_ + 1,
                       .half_close_is_abort = connection.half_close == config::HalfClose::kAbort};
  auto sent = slot.channel.send(lend, {connection.head.data, connection.bytes}, connection.fd.get(), ipc::Wait::kNo);
  if (!sent) {
    if (is_gone(sent.error())) {
      kill(slot, KillReason::kBrokenProtocol);
      return Lend::kTryOthers;
    }
    if (no_room_.pass(Clock::now())) {
      log::warning("{}: lend: {}; trying again", label(slot), sent.error().message());
    }
    room_.set(loop_.timers, Clock::now() + kLendRetry);
    return Lend::kLater;
  }
  slots_.apply(slot, SlotEvent::kLent);
  slot.lent = &connection;
  slot.lend_serial = ++last_lend_;
  slot.lent_at = Clock::now();
  slot.deadline.set(loop_.timers, deadline_after(slot.lent_at, slot.generation->config.timeouts.request));
  connection.slot = &slot;
  connection.state = ConnectionState::kLent;
  connection.lends++;
  // The worker finds it behind this request, so its replacement can start now.
  if (slot.requests_left > 0 && --slot.requests_left == 0) drain(slot);
  return Lend::kLent;
}

// ---- retiring ----

// How many requests a worker answers before it is recycled; 0 = without end. Each draws its own number, so that workers
// that were started together don't leave together.
std::uint64_t WorkerPool::draw_max_requests() {
  const config::Workers& workers = config().workers;
  const std::uint64_t most_less =
      workers.max_requests / 100 * workers.jitter + workers.max_requests % 100 * workers.jitter / 100;
  if (most_less == 0) return workers.max_requests;
  return workers.max_requests - std::uniform_int_distribution<std::uint64_t>(0, most_less)(random_);
}

void WorkerPool::became_idle(WorkerSlot& slot) {
  slot.idle_since = Clock::now();
  if (purpose_ == Purpose::kTrial) return;  // until it serves
  const Duration timeout = config().workers.idle_timeout;
  if (timeout == Duration::zero() || retire_.is_set() || slots_.live() <= config().workers.min) return;
  retire_.set(loop_.timers, slot.idle_since + timeout);
}

// From the top: the lower a slot, the warmer its worker.
void WorkerPool::retire_idle() {
  const TimePoint now = Clock::now();
  TimePoint next = kNever;
  unsigned surplus = slots_.live() - std::min(slots_.live(), config().workers.min);
  slots_.for_each_from_top([&](WorkerSlot& slot) {
    // Only so many, even where a lower one has idled for longer.
    if (slot.state != SlotState::kIdle || surplus == 0) return;
    --surplus;
    const TimePoint due = slot.idle_since + config().workers.idle_timeout;
    if (due <= now) {
      log::debug("{}: has idled for workers.idle_timeout; draining", label(slot));
      drain(slot);
    } else {
      next = std::min(next, due);
    }
  });
  if (slots_.live() > config().workers.min) retire_.set(loop_.timers, next);
}

void WorkerPool::drain(WorkerSlot& slot) {
  if (slot.killed != KillReason::kNone || slot.state == SlotState::kDraining) return;
  if (!slots_.apply(slot, SlotEvent::kDrain)) return;
  tell_to_leave(slot);
}

// Where the kernel has no room for it, again: behind the request that the worker has, or in a moment.
void WorkerPool::tell_to_leave(WorkerSlot& slot) {
  const auto sent = slot.channel.send(ipc::Drain{}, {}, -1, ipc::Wait::kNo);
  if (!sent && is_gone(sent.error())) return kill(slot, KillReason::kBrokenProtocol);
  slot.told_to_leave = sent.has_value();
  if (slot.has_work()) return;
  slot.deadline.set(loop_.timers, Clock::now() + (sent ? slot.generation->config.timeouts.stop : kLendRetry));
}

void WorkerPool::begin_stop() {
  stopping_ = true;
  retry_.cancel();
  retire_.cancel();
  slots_.for_each([this](WorkerSlot& slot) {
    if (!slot.given_up) return;
    unwatch(slot);
    bury(slot);
  });
}

void WorkerPool::leave(TimePoint by, KillReason reason) {
  leaving_ = true;
  overdue_ = reason;
  retry_.cancel();
  room_.cancel();
  retire_.cancel();
  leave_by_.set(loop_.timers, by);
  drain_all();
}

void WorkerPool::drain_all() {
  slots_.for_each([this](WorkerSlot& slot) { drain(slot); });
}

// Who has nothing to do is not late.
void WorkerPool::kill_all(KillReason reason) {
  slots_.for_each([&](WorkerSlot& slot) { kill(slot, slot.has_work() ? reason : KillReason::kStopAtOnce); });
  state_ = AppState::kStopped;
}

// ---- deadlines and deaths ----

void WorkerPool::on_slot_deadline(WorkerSlot& slot) {
  if (slot.killed != KillReason::kNone) return give_up(slot);
  // What it has said in time counts, though a turn of the loop reads only one message of a worker.
  hear_out(slot);
  if (slot.deadline.is_set()) return;
  if (slot.state == SlotState::kStarting) {
    kill(slot, KillReason::kStartTimeout);
  } else if (slot.has_work()) {
    const Progress progress = progress_of(slot);
    if (progress.overdue) return kill(slot, KillReason::kRequestTimeout);
    slot.deadline.set(loop_.timers, progress.look_again);
  } else if (slot.state == SlotState::kDraining) {
    slot.told_to_leave ? kill(slot, KillReason::kLeaveTimeout) : tell_to_leave(slot);
  }
}

void WorkerPool::on_total_timeout(WorkerSlot& slot) {
  hear_out(slot);
  if (slot.lent) kill(slot, KillReason::kTotalTimeout);
}

// Nobody waits any longer for what it had, nor a stop for its death; that it leaves a slot only then keeps their number
// bounded.
void WorkerPool::give_up(WorkerSlot& slot) {
  const std::string line = describe_undying(name(), slot, kDeathGrace, Clock::now());
  const bool is_failed_start = slot.next_step && !leaving_ && !stopping_;
  if (!is_failed_start) log::error("{}", line);
  std::optional<Crash> crash;
  if (!std::exchange(slot.given_up, true)) crash = settle(slot, Fate::kAbortHeld);
  slots_.apply(slot, SlotEvent::kDrain);
  if (stopping_) {
    unwatch(slot);
    bury(slot);
  }
  if (is_failed_start) start_failed(line);
  if (crash) owner().on_crash(*this, *crash);
}

// What becomes of its request, and what it counts for. Returns what its owner is to be told in the end.
std::optional<Crash> WorkerPool::settle(WorkerSlot& slot, Fate fate) {
  const bool had_taken = slot.lent && fate != Fate::kNothing && fate != Fate::kLendAgain;
  const bool in_request = had_taken || slot.defers_since;
  if (had_taken) counts_.requests++;  // what was deferred for counts since its DONE
  if (in_request) counts_.crashes++;
  slot.defers_since.reset();
  if (Connection* orphan = std::exchange(slot.lent, nullptr)) owner().on_orphan(*orphan, fate);
  if (in_request) return Crash::kInRequest;
  if (slot.told_to_leave || stopping_) return std::nullopt;
  return slot.next_step ? Crash::kStarting : Crash::kIdle;
}

// Its group too, so that what the plugin has forked goes with it; the rest of that follows when the worker is reaped.
// Not the group alone: a plugin may have left it (setpgid(2)) and a child in it.
void WorkerPool::kill(WorkerSlot& slot, KillReason reason) {
  if (slot.reaped || slot.pid <= 0) return;  // 0 would be our own group
  ::kill(slot.pid, SIGKILL);
  ::kill(-slot.pid, SIGKILL);
  if (slot.killed != KillReason::kNone) return;  // its death is awaited
  slot.killed = reason;
  // Should it have said DONE in its last moment, no other request is to follow it. One that is STARTING has failed.
  if (slot.state != SlotState::kStarting) slots_.apply(slot, SlotEvent::kDrain);
  slot.deadline.set(loop_.timers, Clock::now() + kDeathGrace);
}

void WorkerPool::on_death(WorkerSlot& slot, int wait_status) {
  slot.reaped = true;
  if (!slot.given_up) hear_out(slot);
  counters_.count_death(slot, wait_status);
  unwatch(slot);
  const std::size_t unread =
      slot.output.finish([&](ipc::Stream stream, std::string_view line) { log_output(slot, stream, line); });
  if (unread > 0) log::warning("{}: {} bytes that it has printed last are left out", label(slot), unread);
  const Fate fate = fate_of(slot);
  const bool had_probe = slot.lent && purpose_ == Purpose::kTrial;
  const Obituary obituary =
      write_obituary(name(), slot, wait_status, had_probe ? Fate::kProbe : fate, Clock::now());
  const bool was_ready = !slot.next_step;
  // While stopping, too, where a queued request would start the next one at once.
  const bool is_failed_start = !slot.given_up && died_young(slot) && !leaving_ && (!stopping_ || owner().waiting() > 0);
  if (!is_failed_start) log::write(obituary.level, obituary.line);
  past_stats_.add_dead(slot.page.read_stats());
  const std::optional<Crash> crash = slot.given_up ? std::nullopt : settle(slot, fate);
  bury(slot);
  if (is_failed_start) start_failed(obituary.line, was_ready);
  if (crash) owner().on_crash(*this, *crash);
}

void WorkerPool::unwatch(const WorkerSlot& slot) {
  loop_.poller.remove(slot.channel.fd());
  for (const ipc::Stream stream : {ipc::Stream::kOutput, ipc::Stream::kError}) {
    loop_.poller.remove(slot.output.fd(stream));
  }
}

// Lets go of everything that belongs to the worker.
void WorkerPool::bury(WorkerSlot& slot) {
  slots_.apply(slot, SlotEvent::kDied);
  workers_.remove(slot);
  slot.deadline.cancel();
  slot.channel.close();
  slot.output = {};
  slot.page = {};
  slot.generation.reset();
}

StatTotals WorkerPool::stats() const {
  StatTotals totals = past_stats_;
  slots_.for_each([&](const WorkerSlot& slot) { totals.add_live(slot.page.read_stats()); });
  return totals;
}

}  // namespace forklift::master
