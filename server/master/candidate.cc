#include "master/candidate.h"

#include <algorithm>

#include "base/quote.h"

namespace forklift::master {

namespace {

constexpr int kFirstBadStatus = 400;

}  // namespace

Candidate::Candidate(std::shared_ptr<Generation> generation, unsigned workers, const Workshop& workshop,
                     ConnectionTable& connections)
    : generation_(std::move(generation)),
      workers_(workers),
      workshop_(workshop),
      connections_(connections),
      pool_(std::make_unique<WorkerPool>(generation_, WorkerPool::Purpose::kTrial, workshop, *this)),
      probe_is_late_([this] {
        fail_probe(probe_passed_ ? "its deferred work is not over within timeouts.start"
                                 : "it has no answer within timeouts.start");
      }) {}

void Candidate::go_on() {
  if (state_ != State::kProving) return;
  if (generation_->proved && !is_probed()) return;
  pool_->grow();
  if (state_ != State::kProving || !generation_->proved) return;
  const SlotTable& slots = pool_->slots();
  if (waiting() == 0 || slots.count(SlotState::kStarting) == 0) state_ = State::kProved;
}

// How many workers are still wanted.
std::size_t Candidate::waiting() const {
  if (!generation_->proved) return 0;
  return workers_ - std::min(workers_, pool_->slots().count(SlotState::kIdle));
}

std::string_view Candidate::waits_for() const {
  std::string_view step = generation_->config.reload.probe.empty() ? to_string(ipc::Step::kReady) : "PROBED";
  pool_->slots().for_each([&](const WorkerSlot& slot) {
    if (slot.next_step) step = to_string(*slot.next_step);
  });
  return step;
}

void Candidate::give_up() {
  fail("given up");
  probe_is_late_.cancel();
  // Nobody reads its page any more, and no client waits for it.
  if (probe_) probe_->hang_up();
  pool_->leave(Clock::now() + generation_->config.timeouts.stop, KillReason::kStopTimeout);
}

void Candidate::stop() {
  pool_->begin_stop();
}

void Candidate::fail(std::string how) {
  if (state_ == State::kFailed) return;
  state_ = State::kFailed;
  failure_ = std::move(how);
}

void Candidate::on_trial_failed(std::string_view how) {
  fail(std::string(how));
}

// ---- the probe ----

// Whether it has passed. Asks it where it is time.
bool Candidate::is_probed() {
  if (generation_->config.reload.probe.empty()) return true;
  // Until then nobody else asks these workers anything, so one that has work is at the deferred work of the probe. It
  // may be DRAINING: one whose channel has ended is, until it is reaped.
  if (probe_passed_) {
    bool works = false;
    pool_->slots().for_each([&](const WorkerSlot& slot) { works |= slot.has_work(); });
    if (works) return false;
    probe_is_late_.cancel();
    return true;
  }
  WorkerSlot* slot = probe_ ? nullptr : pool_->slots().lowest_idle();
  if (!slot) return false;
  if (auto asked = ask(*slot); !asked) fail_probe(asked.error().message());
  return false;
}

Result<void> Candidate::ask(WorkerSlot& slot) {
  // From the first try on, where a lend has to be tried again.
  if (!probe_is_late_.is_set()) {
    probe_is_late_.set(workshop_.loop.timers, Clock::now() + generation_->config.timeouts.start);
  }
  const config::Reload& reload = generation_->config.reload;
  auto probe = Probe::make(reload.probe_method(), reload.probe_uri(), slot.serial, workshop_.loop, connections_);
  if (!probe) return Failure(probe.error());
  if (pool_->lend(slot, (*probe)->connection()) != WorkerPool::Lend::kLent) return {};  // in the next turn
  probe_ = std::move(*probe);
  return {};
}

void Candidate::on_probe_readable(std::uint32_t serial) {
  if (probe_ && probe_->serial() == serial) probe_->on_readable();
}

void Candidate::on_done(Connection&, const ipc::Done& done) {
  probe_.reset();
  if (done.defers == 0) probe_is_late_.cancel();
  // Without a status: a plugin that speaks for itself (handle_connection), unless it was told that nobody listens.
  const bool broke_off = done.ending == ipc::Ending::kAbort || (done.status == 0 && done.client_gone != 0);
  if (broke_off) return fail_probe("the answer broke off");
  if (done.status >= kFirstBadStatus) return fail_probe(fmt::format("the answer was {}", done.status));
  probe_passed_ = true;
}

void Candidate::on_orphan(Connection& connection, Fate) {
  const bool was_late = connection.slot->killed == KillReason::kRequestTimeout;
  probe_.reset();
  fail_probe(was_late ? "it has no answer within timeouts.request" : "the worker died of it");
}

void Candidate::on_crash(const WorkerPool&, Crash crash) {
  if (crash == Crash::kInRequest) return fail_probe("the worker died of its deferred work");
  // One that has been READY, and nobody has asked it anything. A start that fails is tried again where another lives.
  if (crash == Crash::kIdle)
    fail(fmt::format("app \"{}\": generation {}: a worker has died while idle", app(), generation_->number));
}

void Candidate::fail_probe(std::string_view why) {
  fail(fmt::format("app \"{}\": generation {} failed at PROBED: {}: {}", app(), generation_->number,
                   escape(generation_->config.reload.probe), why));
}

}  // namespace forklift::master
