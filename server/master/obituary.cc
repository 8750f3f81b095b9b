#include "master/obituary.h"

#include <csignal>

#include "base/quote.h"
#include "base/wait_status.h"
#include "master/connection.h"

namespace forklift::master {

namespace {

std::string describe_end(KillReason killed, int wait_status) {
  switch (killed) {
    case KillReason::kRequestTimeout: return "killed by timeouts.request";
    case KillReason::kTotalTimeout: return "killed by timeouts.total";
    case KillReason::kLeaveTimeout: return "was told to leave, and killed after timeouts.stop";
    case KillReason::kStopTimeout: return "killed by timeouts.stop";
    case KillReason::kStopAtOnce: return "killed, as the server stops at once";
    case KillReason::kDrainTimeout: return "left behind by a reload, and killed by timeouts.drain";
    case KillReason::kNone:
    case KillReason::kStartTimeout:
    case KillReason::kBrokenProtocol: break;
  }
  return describe_wait_status(wait_status);
}

std::string describe_work(const WorkerSlot& slot, TimePoint now) {
  if (slot.next_step) return fmt::format("before it reached {}", to_string(*slot.next_step));
  if (!slot.has_work()) return "while idle";
  const bool taken = slot.page.taken() == slot.lend_serial;
  if (!taken && slot.lent) return "before it took the request";
  ipc::WordsCopy copy;
  const ipc::RequestWords request = taken ? slot.page.request(copy) : ipc::RequestWords{};
  const TimePoint since = slot.defers_since.value_or(slot.lent_at);
  return fmt::format("{} {} {} since {:.3f} s{}", slot.defers_since ? "in deferred work of" : "with",
                     request.method.empty() ? "?" : escape(request.method), quote(request.uri),
                     std::chrono::duration<double>(now - since).count(),
                     slot.defers_since ? "; its response was sent before" : "");
}

// A plugin that had the connection itself (handle_connection) has told of no status, and may have sent nothing yet.
std::string_view describe(Fate fate, const WorkerSlot& slot) {
  if (fate == Fate::kAbort && slot.page.status() == 0)
    return "; the plugin had the connection itself, which is aborted";
  switch (fate) {
    case Fate::kNothing: return "";
    case Fate::kProbe: return "; it was reload.probe";
    case Fate::kLendAgain: return "; its request goes to another worker";
    case Fate::kAnswer502: return "; answered 502";
    case Fate::kAnswer504: return "; answered 504";
    case Fate::kAbort:
    case Fate::kAbortHeld: return "; part of the response was sent, so the connection is aborted";
    case Fate::kComplete: return "; the response was complete";
  }
  return "";
}

std::string describe_failed_start(std::string_view app, const WorkerSlot& slot, std::string_view reason) {
  return fmt::format("app \"{}\": generation {} failed at {}: {}", app, slot.generation->number,
                     to_string(*slot.next_step), reason);
}

}  // namespace

std::string describe_worker(std::string_view app, const WorkerSlot& slot) {
  return fmt::format("app \"{}\" generation {} worker {}", app, slot.generation->number, slot.pid);
}

Fate fate_of(const WorkerSlot& slot) {
  if (!slot.lent) return Fate::kNothing;
  const bool taken = slot.page.taken() == slot.lend_serial;
  const bool may_go_on = !was_stopped(slot) && slot.killed != KillReason::kTotalTimeout;
  if (!taken && may_go_on && slot.lent->lends < kLendsMax) return Fate::kLendAgain;
  switch (taken ? slot.page.response() : ipc::ResponseState::kNone) {
    case ipc::ResponseState::kComplete: return Fate::kComplete;
    case ipc::ResponseState::kStarted: return Fate::kAbort;
    case ipc::ResponseState::kNone: break;
  }
  const bool too_long = was_stopped(slot) || slot.killed == KillReason::kRequestTimeout ||
                        slot.killed == KillReason::kTotalTimeout || slot.killed == KillReason::kDrainTimeout;
  return too_long ? Fate::kAnswer504 : Fate::kAnswer502;
}

Obituary write_obituary(std::string_view app, const WorkerSlot& slot, int wait_status, Fate fate, TimePoint now) {
  using log::Level;
  const bool had_nothing = fate == Fate::kNothing && !slot.defers_since;
  const bool as_told = slot.told_to_leave && wait_status == 0;
  if (had_nothing && (as_told || was_stopped(slot))) {
    return {Level::kDebug, fmt::format("{}: left", describe_worker(app, slot))};
  }
  if (slot.given_up) return {Level::kInfo, fmt::format("{}: is gone", describe_worker(app, slot))};
  if (failed_to_start(slot)) {
    // In the worker's own words, where it had the time for some.
    std::string reason = slot.failure;
    if (reason.empty() && slot.killed == KillReason::kStartTimeout) {
      reason = "not reached within timeouts.start; the worker was killed";
    } else if (reason.empty()) {
      reason = fmt::format("worker {} {}", slot.pid, describe_wait_status(wait_status));
    }
    return {Level::kError, describe_failed_start(app, slot, reason)};
  }
  const std::string how = describe_end(slot.killed, wait_status);
  return {Level::kError,
          fmt::format("{}: {} {}{}", describe_worker(app, slot), how, describe_work(slot, now), describe(fate, slot))};
}

std::string describe_undying(std::string_view app, const WorkerSlot& slot, Duration since_kill, TimePoint now) {
  const std::string still =
      fmt::format("still there {} s after SIGKILL", std::chrono::ceil<seconds>(since_kill).count());
  if (failed_to_start(slot)) {
    const bool is_late = slot.killed == KillReason::kStartTimeout;
    return describe_failed_start(
        app, slot,
        fmt::format("{}worker {} is {}", is_late ? "not reached within timeouts.start, and " : "", slot.pid, still));
  }
  return fmt::format("{}: {}, and {} {}{}", describe_worker(app, slot), describe_end(slot.killed, SIGKILL), still,
                     describe_work(slot, now), slot.lent ? "; its connection is aborted" : "");
}

}  // namespace forklift::master
