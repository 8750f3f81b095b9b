// What the service manager is told, and how it sees that the server still turns: sd_notify(3), sd_watchdog_enabled(3).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/datagrams.h"
#include "base/timers.h"

namespace forklift::master {

// Never waits for the service manager, and never fails: one that cannot be told is a line in the log.
class ServiceManager {
 public:
  // Takes NOTIFY_SOCKET and WATCHDOG_* out of the environment: nobody but the master speaks for the server. Without
  // them, nothing is ever sent. `timers` outlives it.  [master, once, at the start]
  explicit ServiceManager(Timers& timers);

  // `status` is for people.
  void say_ready(std::string_view status);
  void say_reloading();
  void say_stopping(std::string_view status);

  // Says twice in each of its periods that the server lives, if the service manager asks for it. To be called once the
  // loop runs: it is the loop that it speaks for.
  void start_watchdog();

 private:
  void tell(std::string_view state);
  void send_pending();
  void feed_watchdog();

  Timers& timers_;
  std::optional<Datagrams> to_;
  std::string pending_;  // what there was no room for yet
  Duration watchdog_{};  // half of its period; 0: none
  Timer retry_;
  Timer feed_;
};

// Half of the watchdog's period, from the texts of WATCHDOG_USEC and WATCHDOG_PID, each nullptr where it is not set;
// 0 where there is none, or it is for another process than `own`.
Duration watchdog_pause(const char* usec, const char* pid, pid_t own);

}  // namespace forklift::master
