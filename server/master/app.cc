#include "master/app.h"

#include <poll.h>

#include <algorithm>

#include "base/log.h"
#include "config/scrub.h"
#include "master/access_line.h"

namespace forklift::master {

namespace {

// One that has waited less is lent without a look whether its client is still there, which is a system call; unless its
// listener wants to know of every one.
constexpr Duration kMayHaveLeftAfter = milliseconds(1);

int seconds_until(TimePoint due) {
  return static_cast<int>(std::max<long>(std::chrono::ceil<seconds>(due - Clock::now()).count(), 1));
}

// A client that has closed a Unix socket, or reset a TCP connection. The end of its half alone, and on TCP a close
// looks like that too, may mean that it has asked, and listens: the listener says which.
bool has_left(const Connection& connection) {
  const bool half_is_enough = connection.half_close == config::HalfClose::kAbort;
  if (!half_is_enough && Clock::now() - connection.queued <= kMayHaveLeftAfter) return false;
  pollfd entry{connection.fd.get(), static_cast<short>(half_is_enough ? POLLRDHUP : 0), 0};
  return ::poll(&entry, 1, 0) == 1 && (entry.revents & (POLLHUP | POLLERR | POLLRDHUP)) != 0;
}

// Fewer crashes than one in so many requests may be chance.
constexpr std::uint64_t kRequestsPerCrash = 20;

// `its only request has crashed`, `2 of its 7 requests have crashed`
std::string describe_crashes(const WorkerPool::Counts& counts) {
  if (counts.requests == 1) return "its only request has crashed";
  return fmt::format("{} of its {} requests {} crashed", counts.crashes, counts.requests,
                     counts.crashes == 1 ? "has" : "have");
}

// 0 for what no response can have: it is a worker that says so.
unsigned to_status(std::uint32_t said) {
  return said < 1000 ? said : 0;
}

}  // namespace

App::App(std::shared_ptr<Generation> first, const Workshop& workshop, Farewell& farewell,
         std::shared_ptr<AccessFile> access_file)
    : App(std::make_unique<WorkerPool>(std::move(first), WorkerPool::Purpose::kServe, workshop, *this), workshop,
          farewell, std::move(access_file)) {}

App::App(std::unique_ptr<WorkerPool> proved, const Workshop& workshop, Farewell& farewell,
         std::shared_ptr<AccessFile> access_file)
    : loop_(workshop.loop),
      farewell_(farewell),
      access_file_(std::move(access_file)),
      pool_(std::move(proved)),
      probation_([this] {
        log::info("app \"{}\": generation {} has passed its probation", name(), pool_->generation().number);
        before_.reset();
      }),
      stop_timer_([this] {
        stopped_ = true;  // also for a request that comes in this very moment, where there is nobody to be killed
        if (processes() == 0 && queue_.empty()) return;
        log::warning("app \"{}\": workers are left after {}; killing them", name(), stop_key());
        stop_at_once(overdue_);
      }) {
  pool_->serve(*this);
}

// ---- queue and dispatch ----

void App::enqueue(Connection& connection) {
  if (stopped_) return farewell_.answer(connection, 503);
  if (state() == AppState::kDegraded) return farewell_.answer(connection, 503, seconds_until(pool_->retry_at()));
  // For whom a worker is idle, he does not wait: he is lent in this turn of the loop.
  if (queue_.size() >= config().queue.length + pool_->slots().count(SlotState::kIdle)) {
    if (const auto held_back = full_.pass(Clock::now())) {
      log::warning("app \"{}\": the queue is full (queue.length, {}); answered 503{}", name(), queue_.size(),
                   and_more(*held_back));
    }
    return farewell_.answer(connection, 503, 1);
  }
  wait_in_queue(connection);
  queue_.push_back(connection);
}

void App::wait_in_queue(Connection& connection) {
  connection.state = ConnectionState::kQueued;
  connection.slot = nullptr;
  connection.queued = Clock::now();
  const TimePoint total = deadline_after(connection.accepted, config().timeouts.total);
  connection.deadline.set(loop_.timers, std::min(deadline_after(connection.queued, config().queue.age), total));
}

void App::dispatch() {
  while (!queue_.empty()) {
    WorkerSlot* slot = pool_->slots().lowest_idle();
    if (!slot) break;
    Connection& connection = *queue_.front();
    if (has_left(connection)) {
      log::info("app \"{}\": a client has left while it waited in the queue", name());
      queue_.remove(connection);
      note(connection, {.status = kClientLeft});
      // A half may still listen, and must not take nothing for the answer.
      connection.half_close == config::HalfClose::kAbort ? farewell_.abort(connection) : farewell_.close(connection);
    } else if (!lend(*slot, connection)) {
      break;
    }
  }
  pool_->grow();
  std::erase_if(older_, [this](const auto& pool) {
    const bool is_gone = pool->slots().processes() == 0;
    if (is_gone) remember(*pool);
    return is_gone;
  });
}

// Where the kernel has no room for a lend, some wait though workers are idle: more workers are no help.
std::size_t App::waiting() const {
  return queue_.size() - std::min<std::size_t>(queue_.size(), pool_->slots().count(SlotState::kIdle));
}

void App::adopt(std::unique_ptr<WorkerPool> proved, std::shared_ptr<AccessFile> access_file, bool on_probation) {
  const TimePoint by = deadline_after(Clock::now(), config().timeouts.drain);
  older_.push_back(std::exchange(pool_, std::move(proved)));
  older_.back()->leave(by, KillReason::kDrainTimeout);
  pool_->serve(*this);
  Former former{older_.back()->generation_shared(), std::exchange(access_file_, std::move(access_file)),
                older_.back()->counts()};
  if (auto wanted = std::exchange(rollback_, std::nullopt)) former = std::move(*wanted);

  const Duration probation = config().reload.probation;
  before_.reset();
  if (on_probation && probation > Duration::zero() && former.generation->proved) before_ = std::move(former);
  probation_.set(loop_.timers, before_ ? Clock::now() + probation : kNever);
}

void App::on_crash(const WorkerPool& pool, Crash crash) {
  if (&pool != pool_.get() || !before_) return;
  const WorkerPool::Counts now = pool.counts();
  const bool often =
      now.crashes >= config().reload.crashes && now.crashes * kRequestsPerCrash > now.requests &&
      before_->counts.crashes * now.requests < now.crashes * std::max<std::uint64_t>(before_->counts.requests, 1);
  if (crash == Crash::kInRequest && !often) return;
  rollback_ = std::exchange(before_, std::nullopt);
  rollback_->why = crash == Crash::kInRequest ? describe_crashes(now)
                   : crash == Crash::kIdle    ? "a worker has died while idle"
                                              : "a worker could not start";
  log::error("app \"{}\": generation {} is on probation (reload.probation), and {}", name(), pool.generation().number,
             rollback_->why);
  probation_.cancel();
}

unsigned App::leavers() const {
  unsigned count = 0;
  for (const auto& pool : older_) count += pool->slots().processes();
  return count;
}

// False where no lend can succeed just now.
bool App::lend(WorkerSlot& slot, Connection& connection) {
  const WorkerPool::Lend result = pool_->lend(slot, connection);
  if (result != WorkerPool::Lend::kLent) return result == WorkerPool::Lend::kTryOthers;
  queue_.remove(connection);
  connection.waited += slot.lent_at - connection.queued;
  connection.deadline.set(loop_.timers, deadline_after(connection.accepted, config().timeouts.total));
  return true;
}

void App::on_deadline(Connection& connection) {
  if (connection.state == ConnectionState::kLent) {
    const WorkerSlot& lent_to = *connection.slot;
    for_each_pool([&](WorkerPool& pool) {
      WorkerSlot* slot = pool.slots().find(lent_to.index, lent_to.serial);
      if (slot == &lent_to) pool.on_total_timeout(*slot);
    });
    return;
  }
  if (const auto held_back = aged_.pass(Clock::now())) {
    const Duration age = config().queue.age;
    const bool is_aged = age > Duration::zero() && Clock::now() - connection.queued >= age;
    log::warning("app \"{}\": a request has waited for {}; answered 503{}", name(),
                 is_aged ? "queue.age" : "timeouts.total", and_more(*held_back));
  }
  queue_.remove(connection);
  farewell_.answer(connection, 503, 1);
}

void App::refuse_all(int retry_after_seconds) {
  while (Connection* connection = queue_.front()) {
    queue_.remove(*connection);
    farewell_.answer(*connection, 503, retry_after_seconds);
  }
}

// ---- what becomes of lent connections ----

void App::note(const Connection& connection, const Outcome& outcome) {
  counters_.count(outcome.status, connection.slot != nullptr);
  if (!access_file_) return;
  AccessRecord record{.time = std::chrono::system_clock::now(),
                      .app = name(),
                      .status = outcome.status,
                      .bytes = outcome.bytes,
                      .complete = outcome.complete,
                      .took = Clock::now() - connection.accepted,
                      .waited = connection.waited};
  ipc::WordsCopy copy;
  const WorkerSlot* slot = connection.slot;
  if (slot && slot->generation && slot->page.taken() == slot->lend_serial) {
    record.generation = slot->generation->number;
    record.worker = slot->pid;
    record.request = slot->page.request(copy);
  }
  access_line_.clear();
  append_access_line(access_line_, config().access_log.format, record);
  access_file_->write(access_line_);
}

void App::forget_requests() {
  config::scrub(access_line_);
}

void App::remember(const WorkerPool& gone) {
  past_ += gone.counters();
  past_stats_ += gone.stats();
}

App::Outcome App::sent_before_death(const Connection& connection) {
  const ipc::SharedPage& page = connection.slot->page;
  if (page.taken() != connection.slot->lend_serial) return {};  // the page is still about another
  return {.status = to_status(page.status()), .bytes = page.sent()};
}

void App::on_done(Connection& connection, const ipc::Done& done) {
  note(connection, {.status = done.status == 0 && done.client_gone != 0 ? kClientLeft : to_status(done.status),
                    .bytes = connection.slot->page.sent(),
                    .complete = done.ending != ipc::Ending::kAbort});
  switch (done.ending) {
    case ipc::Ending::kComplete: return farewell_.close(connection);
    case ipc::Ending::kLinger: return farewell_.linger(connection);
    default: return farewell_.abort(connection);
  }
}

void App::on_orphan(Connection& connection, Fate fate) {
  switch (fate) {
    case Fate::kNothing:
    case Fate::kProbe: return;
    case Fate::kLendAgain:
      if (stopped_) {
        connection.slot = nullptr;  // no worker has had it
        return farewell_.answer(connection, 503);
      }
      wait_in_queue(connection);
      return queue_.push_front(connection);
    case Fate::kAnswer502: return farewell_.answer(connection, 502);
    case Fate::kAnswer504: return farewell_.answer(connection, 504);
    case Fate::kAbort: note(connection, sent_before_death(connection)); return farewell_.abort(connection);
    case Fate::kAbortHeld: note(connection, sent_before_death(connection)); return farewell_.abort_held(connection);
    case Fate::kComplete: {
      Outcome outcome = sent_before_death(connection);
      outcome.complete = true;
      note(connection, outcome);
      return farewell_.linger(connection);
    }
  }
}

void App::on_degraded() {
  refuse_all(seconds_until(pool_->retry_at()));
}

// ---- stop ----

void App::stop(TimePoint deadline, KillReason overdue) {
  for_each_pool([](WorkerPool& pool) { pool.begin_stop(); });
  stopping_ = true;
  if (deadline < stop_deadline_) {
    stop_deadline_ = deadline;
    overdue_ = overdue;
  }
  stop_timer_.set(loop_.timers, stop_deadline_);
}

std::string_view App::stop_key() const {
  return overdue_ == KillReason::kDrainTimeout ? "timeouts.drain" : "timeouts.stop";
}

void App::stop_at_once(KillReason because) {
  stopping_ = stopped_ = true;
  refuse_all(0);
  for_each_pool([=](WorkerPool& pool) {
    pool.begin_stop();
    pool.kill_all(because);
  });
}

void App::drain_when_idle() {
  if (tally_.pending == 0) pool_->drain_all();
}

unsigned App::processes() const {
  return pool_->slots().processes() + leavers();
}

WorkerCounters App::worker_counters() const {
  WorkerCounters sum = past_;
  for_each_pool([&](const WorkerPool& pool) { sum += pool.counters(); });
  return sum;
}

StatTotals App::stats() const {
  StatTotals sum = past_stats_;
  for_each_pool([&](const WorkerPool& pool) { sum += pool.stats(); });
  return sum;
}

bool App::is_gone() const {
  return stopping_ && tally_.connections == 0 && processes() == 0;
}

}  // namespace forklift::master
