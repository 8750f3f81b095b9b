// Ends this process when a plugin takes too long.
#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

#include "base/clock.h"

namespace forklift::cli {

class Watchdog {
 public:
  // `limit` of each watch; 0: there is no dog.
  explicit Watchdog(Duration limit);
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;
  ~Watchdog();

  // Between the two, `what` may take `limit`. Then standard error gets a line, and the process ends with status 1.
  void begin(std::string what);
  void end();

 private:
  void run();

  const Duration limit_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string what_;
  TimePoint deadline_ = kNever;
  bool is_over_ = false;
  std::thread thread_;
};

}  // namespace forklift::cli
