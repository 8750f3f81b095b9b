#include "cli/watchdog.h"

#include <fmt/format.h>
#include <unistd.h>

#include <utility>

#include "cli/command.h"
#include "cli/quiet_thread.h"
#include "cli/terminal.h"
#include "config/units.h"

namespace forklift::cli {

Watchdog::Watchdog(Duration limit) : limit_(limit) {
  if (limit_ > Duration::zero()) thread_ = start_quiet_thread([this] { run(); });
}

Watchdog::~Watchdog() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    is_over_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void Watchdog::begin(std::string what) {
  if (!thread_.joinable()) return;
  const std::lock_guard lock(mutex_);
  what_ = std::move(what);
  deadline_ = Clock::now() + limit_;
  changed_.notify_one();
}

void Watchdog::end() {
  if (!thread_.joinable()) return;
  const std::lock_guard lock(mutex_);
  deadline_ = kNever;
}

void Watchdog::run() {
  std::unique_lock lock(mutex_);
  while (!is_over_) {
    if (deadline_ == kNever) {
      changed_.wait(lock);
    } else if (changed_.wait_until(lock, deadline_) == std::cv_status::timeout && Clock::now() >= deadline_) {
      complain(
          fmt::format("forklift: {} has not ended within {} (--timeout)\n", what_, config::format_duration(limit_)));
      ::_exit(kFailed);
    }
  }
}

}  // namespace forklift::cli
