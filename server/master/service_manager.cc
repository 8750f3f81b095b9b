#include "master/service_manager.h"

#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>

#include "base/log.h"
#include "base/quote.h"
#include "config/units.h"

namespace forklift::master {

namespace {

constexpr Duration kRetryPause = milliseconds(100);
constexpr std::uint64_t kWatchdogMax = std::chrono::microseconds(std::chrono::hours(24 * 365)).count();

}  // namespace

Duration watchdog_pause(const char* usec, const char* pid, pid_t own) {
  if (!usec) return {};
  if (pid && config::parse_count(pid).value_or(0) != static_cast<std::uint64_t>(own)) return {};
  const std::uint64_t period = config::parse_count(usec).value_or(0);
  return period > kWatchdogMax ? Duration{} : std::chrono::microseconds(period / 2);
}

ServiceManager::ServiceManager(Timers& timers)
    : timers_(timers),
      watchdog_(watchdog_pause(std::getenv("WATCHDOG_USEC"), std::getenv("WATCHDOG_PID"), ::getpid())),
      retry_([this] { send_pending(); }),
      feed_([this] { feed_watchdog(); }) {
  if (const char* path = std::getenv("NOTIFY_SOCKET")) {
    auto connected = Datagrams::connect(path);
    if (connected) {
      to_ = std::move(*connected);
    } else {
      log::warning("the service manager (NOTIFY_SOCKET={}) cannot be told: {}", quote(path),
                   escape(connected.error().message()));
    }
  }
  for (const char* variable : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) ::unsetenv(variable);
}

void ServiceManager::say_ready(std::string_view status) {
  tell(fmt::format("READY=1\nMAINPID={}\nSTATUS={}\n", ::getpid(), status));
}

// READY follows, also where nothing has changed.
void ServiceManager::say_reloading() {
  const auto now = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now().time_since_epoch());
  tell(fmt::format("RELOADING=1\nMONOTONIC_USEC={}\nSTATUS=reloading\n", now.count()));
}

void ServiceManager::say_stopping(std::string_view status) {
  tell(fmt::format("STOPPING=1\nSTATUS={}\n", status));
}

void ServiceManager::start_watchdog() {
  if (to_ && watchdog_ != Duration::zero()) feed_watchdog();
}

void ServiceManager::feed_watchdog() {
  if (pending_.empty()) tell("WATCHDOG=1\n");  // else it does not listen
  feed_.set(timers_, Clock::now() + watchdog_);
}

// Of what is said twice, the last counts, so that waiting messages can be sent as one.
void ServiceManager::tell(std::string_view state) {
  if (!to_) return;
  pending_ += state;
  send_pending();
}

void ServiceManager::send_pending() {
  const int error = to_->send(pending_);
  if (error == EAGAIN || error == ENOBUFS) return retry_.set(timers_, Clock::now() + kRetryPause);
  if (error != 0) log::warning("the service manager cannot be told: {}", describe_errno(error));
  pending_.clear();
}

}  // namespace forklift::master
