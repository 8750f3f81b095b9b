// What has happened to an app since the server was started, in numbers.
#pragma once

#include <array>
#include <cstdint>

#include "master/slot.h"

namespace forklift::master {

// The status of a request that nobody waited for: none was sent. nginx's number for it.
inline constexpr unsigned kClientLeft = 499;

struct RequestCounters {
  std::uint64_t requests = 0;                   // that have ended, however
  std::array<std::uint64_t, 6> responses = {};  // of them, by the first digit of their status; [0]: one that is none
  std::uint64_t client_left = 0;                // 499: before anything was sent; not among `responses`
  std::uint64_t refused_503 = 0;                // by the master

  void count(unsigned status, bool by_worker);
};

struct WorkerCounters {
  std::uint64_t forks = 0;
  std::uint64_t failed_starts = 0;
  std::uint64_t crashes = 0;   // deaths that nobody has asked for
  std::uint64_t timeouts = 0;  // killed by one of the timeouts

  WorkerCounters& operator+=(const WorkerCounters& other) {
    forks += other.forks;
    failed_starts += other.failed_starts;
    crashes += other.crashes;
    timeouts += other.timeouts;
    return *this;
  }

  // The worker was reaped.
  void count_death(const WorkerSlot& slot, int wait_status);
};

}  // namespace forklift::master
