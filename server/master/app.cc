#include "master/app.h"

#include <csignal>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/log.h"
#include "base/quote.h"
#include "master/obituary.h"

namespace forklift::master {

namespace {

constexpr Duration kLendRetry = milliseconds(50);

// A process in uninterruptible sleep does not die of SIGKILL; its client does not have to wait for it.
constexpr Duration kDeathGrace = seconds(5);

int seconds_until(TimePoint due) {
  return static_cast<int>(std::max<long>(std::chrono::ceil<seconds>(due - Clock::now()).count(), 1));
}

}  // namespace

std::string_view to_string(AppState state) {
  switch (state) {
    case AppState::kStarting: return "starting";
    case AppState::kRunning: return "running";
    case AppState::kDegraded: return "degraded";
  }
  return "";
}

App::App(config::App config, std::uint32_t number, Loop& loop, Farewell& farewell, Spawner& spawner)
    : number_(number),
      loop_(loop),
      farewell_(farewell),
      spawner_(spawner),
      generation_(std::make_shared<Generation>()),
      slots_([this](WorkerSlot& slot) { on_slot_deadline(slot); }),
      retry_([this] { dispatch(); }),
      stop_timer_([this] {
        if (slots_.processes() == 0 && queue_.empty()) return;
        log::warning("app \"{}\": workers are left after timeouts.stop; killing them", name());
        stop_at_once();
      }) {
  generation_->number = 1;
  generation_->config = std::move(config);
}

// ---- queue and dispatch ----

void App::start() {
  dispatch();
}

void App::enqueue(Connection& connection) {
  if (stopped_) return farewell_.answer(connection, 503);
  if (state_ == AppState::kDegraded) return farewell_.answer(connection, 503, seconds_until(backoff_.until()));
  if (queue_.size() >= config().queue.length) {
    log::warning("app \"{}\": the queue is full ({}); answered 503", name(), queue_.size());
    return farewell_.answer(connection, 503, 1);
  }
  connection.state = ConnectionState::kQueued;
  connection.deadline.set(loop_.timers, deadline_after(Clock::now(), config().queue.age));
  queue_.push_back(connection);
}

void App::dispatch() {
  while (!queue_.empty()) {
    WorkerSlot* slot = slots_.lowest_idle();
    if (!slot) break;
    Connection& connection = *queue_.front();
    if (lend(*slot, connection))
      queue_.remove(connection);
    else if (slot->state == SlotState::kIdle)
      break;
  }
  grow();
}

// True if the worker has it. False with the slot still IDLE: the kernel has no room just now. False with the slot
// DRAINING: that worker is lost, another one may do.
bool App::lend(WorkerSlot& slot, Connection& connection) {
  const ipc::Lend lend{.bytes = static_cast<std::uint32_t>(connection.bytes),
                       .head_bytes = static_cast<std::uint32_t>(connection.head_bytes),
                       .unread = static_cast<std::uint32_t>(connection.unread),
                       .serial = last_lend_ + 1};
  auto sent = slot.channel.send(lend, {connection.head.data, connection.bytes}, connection.fd.get(), ipc::Wait::kNo);
  if (!sent) {
    const int code = sent.error().code();
    if (code == EPIPE || code == ECONNRESET || code == ENOTCONN) {
      kill(slot, KillReason::kBrokenProtocol);
      slots_.apply(slot, SlotEvent::kDrain);
    } else {
      log::warning("{}: lend: {}; trying again", label(slot), sent.error().message());
      retry_.set(loop_.timers, Clock::now() + kLendRetry);
    }
    return false;
  }
  slots_.apply(slot, SlotEvent::kLent);
  slot.lent = &connection;
  slot.lend_serial = ++last_lend_;
  slot.lent_at = Clock::now();
  slot.deadline.set(loop_.timers, deadline_after(slot.lent_at, slot.generation->config.timeouts.request));
  connection.state = ConnectionState::kLent;
  connection.deadline.cancel();
  connection.lends++;
  return true;
}

void App::on_deadline(Connection& connection) {
  log::warning("app \"{}\": a request has waited for queue.age; answered 503", name());
  queue_.remove(connection);
  farewell_.answer(connection, 503, 1);
}

// ---- starting workers ----

void App::grow() {
  while (slots_.live() < std::max(config().workers.max, 1U)) {
    // An app that is not running needs one worker to prove itself, however few it is to keep.
    const unsigned least = std::max(config().workers.min, state_ == AppState::kRunning ? 0U : 1U);
    const bool below_min = !stopping_ && slots_.live() < least;
    if (!below_min && queue_.size() <= slots_.count(SlotState::kStarting)) return;
    // The first worker of a generation makes the image and proves that it serves; the others follow it.
    if (!generation_->proved && slots_.count(SlotState::kStarting) > 0) return;
    if (!backoff_.allows(Clock::now())) {
      if (!retry_.is_set()) retry_.set(loop_.timers, backoff_.until());
      return;
    }
    spawn();
  }
}

void App::spawn() {
  WorkerSlot& slot = slots_.open();
  auto spawned = spawner_.spawn(slot, generation_);
  if (spawned) {
    const Token name_in_poller = token(Watch::kChannel, number_ << kSlotBits | slot.index, slot.serial);
    spawned = loop_.poller.add(slot.channel.fd(), name_in_poller, EPOLLIN);
    if (!spawned) kill(slot, KillReason::kBrokenProtocol);
  }
  if (!spawned) {
    log::error("app \"{}\": a worker could not be started: {}", name(), spawned.error().message());
    if (slot.pid == 0) slots_.apply(slot, SlotEvent::kDied);
    return start_failed();
  }
  slot.deadline.set(loop_.timers, deadline_after(Clock::now(), slot.generation->config.timeouts.start));
  log::debug("{}: forked", label(slot));
}

void App::start_failed() {
  // Deaths of one wave are one failure: until the pause is over nothing new could have failed.
  const TimePoint now = Clock::now();
  const TimePoint until = backoff_.allows(now) ? backoff_.failed(now) : backoff_.until();
  if (!generation_->proved) new_generation();
  if (!stopping_) retry_.set(loop_.timers, until);
  if (slots_.live() == 0) degrade();
}

// Each try of an unproved app takes a fresh image: the file may have been replaced by one that works.
void App::new_generation() {
  auto next = std::make_shared<Generation>();
  next->number = generation_->number + 1;
  next->config = generation_->config;
  generation_ = std::move(next);
}

void App::degrade() {
  if (state_ != AppState::kDegraded) {
    log::error("app \"{}\": degraded: no worker lives and the last one could not start; answering 503", name());
  }
  state_ = AppState::kDegraded;
  while (Connection* connection = queue_.front()) {
    queue_.remove(*connection);
    farewell_.answer(*connection, 503, seconds_until(backoff_.until()));
  }
}

// ---- what workers say ----

void App::on_channel(WorkerSlot& slot) {
  read_message(slot);
}

// Reads one message; the poller reports again while there are more. False if none is there any more.
bool App::read_message(WorkerSlot& slot) {
  // Static: a worker's words are bounded, and the master has one thread.
  static std::array<char, sizeof(ipc::Failed) + ipc::kTextMax> buffer;
  iovec part{buffer.data(), buffer.size()};
  auto received = slot.channel.receive({&part, 1}, ipc::Wait::kNo);
  if (!received) {
    broken_protocol(slot, received.error().message());
    return false;
  }
  if (!*received) return false;
  if ((*received)->bytes == 0) {
    // Its end of the channel is closed: it is dying, or its plugin has closed what is not its own. Until it is reaped
    // the poller would spin.
    loop_.poller.remove(slot.channel.fd());
    kill(slot, KillReason::kBrokenProtocol);
    return false;
  }
  on_message(slot, {buffer.data(), (*received)->bytes}, std::move((*received)->fd));
  return true;
}

void App::on_message(WorkerSlot& slot, std::string_view bytes, UniqueFd fd) {
  const ipc::MessageType type = ipc::type_of(bytes);
  if (type == ipc::MessageType::kStep) {
    if (ipc::StepReached m; ipc::take(bytes, m)) return on_step(slot, m.step);
  } else if (type == ipc::MessageType::kImage) {
    if (fd) return on_image(slot, std::move(fd));
  } else if (type == ipc::MessageType::kFailed) {
    if (ipc::Failed m; ipc::take(bytes, m)) return on_failed(slot, m.step, bytes);
  } else if (type == ipc::MessageType::kDone) {
    if (ipc::Done m; ipc::take(bytes, m)) return on_done(slot, m);
  } else if (type == ipc::MessageType::kLog) {
    if (ipc::LogLine m; ipc::take(bytes, m)) return on_log_line(slot, m.level, bytes);
  }
  broken_protocol(slot, "a message that is none");
}

void App::on_step(WorkerSlot& slot, ipc::Step step) {
  if (step != ipc::Step::kReady) {
    slot.next_step = static_cast<ipc::Step>(static_cast<std::uint32_t>(step) + 1);
    return;
  }
  if (!slots_.apply(slot, SlotEvent::kReady)) return broken_protocol(slot, "READY twice");
  slot.deadline.cancel();
  slot.generation->proved = true;
  if (state_ != AppState::kRunning) {
    log::info("app \"{}\": generation {} is running", name(), slot.generation->number);
    state_ = AppState::kRunning;
  }
  log::debug("{}: READY after {:.1f} ms", label(slot),
             std::chrono::duration<double, std::milli>(Clock::now() - slot.started).count());
}

void App::on_image(WorkerSlot& slot, UniqueFd image) {
  // Until IMAGED, no line of the plugin has run in that process; later, anything could come from there.
  const bool is_starting = slot.state == SlotState::kStarting || slot.state == SlotState::kDraining;
  const bool expected = is_starting && slot.next_step == ipc::Step::kImaged;
  if (!expected || slot.generation->image) return broken_protocol(slot, "an image that was not asked for");
  slot.generation->image = std::move(image);
}

void App::on_failed(WorkerSlot& slot, ipc::Step step, std::string_view reason) {
  const bool is_starting = slot.state == SlotState::kStarting || slot.state == SlotState::kDraining;
  if (!is_starting) return broken_protocol(slot, "a failure of a start that is over");
  slot.next_step = step;
  slot.failure = escape_controls(reason);
}

void App::on_done(WorkerSlot& slot, const ipc::Done& done) {
  if (!slot.lent || done.serial != slot.lend_serial || !slots_.apply(slot, SlotEvent::kDone)) {
    return broken_protocol(slot, "DONE for a request that was not lent");
  }
  Connection& connection = *std::exchange(slot.lent, nullptr);
  slot.deadline.cancel();
  slot.has_served = true;
  backoff_.succeeded(slot.started);
  switch (done.ending) {
    case ipc::Ending::kComplete: farewell_.close(connection); break;
    case ipc::Ending::kLinger: farewell_.linger(connection); break;
    case ipc::Ending::kAbort: farewell_.abort(connection); break;
    default: farewell_.abort(connection); broken_protocol(slot, "DONE with an unknown ending");
  }
}

void App::on_log_line(const WorkerSlot& slot, std::uint32_t level, std::string_view text) const {
  const auto known = static_cast<log::Level>(std::min(level, static_cast<std::uint32_t>(log::Level::kError)));
  if (log::enabled(known)) log::write(known, fmt::format("{}: {}", label(slot), escape_controls(text)));
}

void App::broken_protocol(WorkerSlot& slot, std::string_view what) {
  log::error("{}: sent {}; killing it", label(slot), what);
  kill(slot, KillReason::kBrokenProtocol);
}

// ---- deadlines and deaths ----

void App::on_slot_deadline(WorkerSlot& slot) {
  if (slot.killed != KillReason::kNone) {
    log::error("{}: still there {} s after SIGKILL", label(slot), std::chrono::ceil<seconds>(kDeathGrace).count());
    if (slot.lent) farewell_.abort(*std::exchange(slot.lent, nullptr));
  } else if (slot.state == SlotState::kStarting) {
    kill(slot, KillReason::kStartTimeout);
  } else if (slot.lent) {
    check_progress(slot);
  }
}

// timeouts.request is time in the plugin: waiting for the client has deadlines of its own, in the worker. A worker that
// is late for those cannot keep them, because it was stopped; it has had timeouts.request on top.
void App::check_progress(WorkerSlot& slot) {
  // In this order: what an honest worker has written is not later than what the clock says then. The page is not to be
  // trusted, and progress in the future is none.
  const TimePoint progress = slot.page.progress();
  const TimePoint now = Clock::now();
  const config::Timeouts& timeouts = slot.generation->config.timeouts;
  const bool taken = slot.page.taken() == slot.lend_serial;
  const bool waits_for_client = taken && slot.page.activity() == ipc::Activity::kClient;
  const bool waits_for_ever = timeouts.body == Duration::zero() || timeouts.write == Duration::zero();
  const Duration look_again = std::max<Duration>(timeouts.request / 8, milliseconds(50));
  if (waits_for_client && waits_for_ever) return slot.deadline.set(loop_.timers, now + look_again);

  const TimePoint since = taken && progress > slot.lent_at && progress <= now ? progress : slot.lent_at;
  const Duration limit =
      timeouts.request + (waits_for_client ? std::max(timeouts.body, timeouts.write) : Duration::zero());
  if (now - since >= limit) return kill(slot, KillReason::kRequestTimeout);
  slot.deadline.set(loop_.timers, waits_for_client ? std::min(since + limit, now + look_again) : since + limit);
}

// The whole group, so that what the plugin has forked goes too; the rest of it follows when the worker is reaped.
void App::kill(WorkerSlot& slot, KillReason reason) {
  if (slot.reaped || slot.pid <= 0) return;  // 0 would be our own group
  if (slot.killed == KillReason::kNone) slot.killed = reason;
  if (::kill(-slot.pid, SIGKILL) != 0) ::kill(slot.pid, SIGKILL);
  slot.deadline.set(loop_.timers, Clock::now() + kDeathGrace);
}

void App::drain(WorkerSlot& slot) {
  if (slot.state == SlotState::kDraining || !slots_.apply(slot, SlotEvent::kDrain)) return;
  if (!slot.channel.send(ipc::Drain{}, {}, -1, ipc::Wait::kNo)) kill(slot, KillReason::kBrokenProtocol);
}

void App::on_death(WorkerSlot& slot, int wait_status) {
  slot.reaped = true;
  while (read_message(slot)) continue;  // to the channel's end: a DONE that was said before the death counts
  loop_.poller.remove(slot.channel.fd());
  const Fate fate = fate_of(slot);
  const Obituary obituary = write_obituary(name(), slot, wait_status, fate, Clock::now());
  log::write(obituary.level, obituary.line);

  if (Connection* orphan = std::exchange(slot.lent, nullptr)) settle(*orphan, fate);
  const bool died_young = slot.state == SlotState::kStarting || (slot.state == SlotState::kIdle && !slot.has_served);
  slots_.apply(slot, SlotEvent::kDied);
  slot.deadline.cancel();
  slot.channel.close();
  slot.page = {};
  slot.generation.reset();
  // While stopping, too, where a queued request would start the next one at once.
  if (died_young && (!stopping_ || !queue_.empty())) start_failed();
}

// The worker is reaped and its channel read to the end, so nobody else writes on the connection any more.
void App::settle(Connection& connection, Fate fate) {
  switch (fate) {
    case Fate::kNothing: return;
    case Fate::kLendAgain:
      if (stopped_) return farewell_.answer(connection, 503);
      connection.state = ConnectionState::kQueued;
      connection.deadline.set(loop_.timers, deadline_after(Clock::now(), config().queue.age));
      return queue_.push_front(connection);
    case Fate::kAnswer502: return farewell_.answer(connection, 502);
    case Fate::kAnswer504: return farewell_.answer(connection, 504);
    case Fate::kAbort: return farewell_.abort(connection);
    case Fate::kComplete: return farewell_.linger(connection);
  }
}

// ---- stop ----

void App::stop() {
  stopping_ = true;
  retry_.cancel();
  stop_deadline_ = Clock::now() + config().timeouts.stop;
  stop_timer_.set(loop_.timers, stop_deadline_);
}

void App::stop_at_once() {
  stopping_ = stopped_ = true;
  while (Connection* connection = queue_.front()) {
    queue_.remove(*connection);
    farewell_.answer(*connection, 503);
  }
  slots_.for_each([this](WorkerSlot& slot) { kill(slot, KillReason::kStopTimeout); });
}

void App::drain_when_idle() {
  if (tally_.pending > 0) return;
  slots_.for_each([this](WorkerSlot& slot) { drain(slot); });
}

std::string App::label(const WorkerSlot& slot) const {
  return describe_worker(name(), slot);
}

}  // namespace forklift::master
