// All workers of the master, by the numbers that others know them by.
#pragma once

#include <sys/types.h>

#include <algorithm>
#include <cstdint>
#include <map>

#include "master/slot.h"

namespace forklift::master {

class WorkerPool;

class WorkerIndex {
 public:
  struct Entry {
    WorkerPool* pool = nullptr;
    WorkerSlot* slot = nullptr;

    explicit operator bool() const { return slot != nullptr; }
  };

  // From its fork until it is buried.
  void add(WorkerPool& pool, WorkerSlot& slot) { by_serial_[slot.serial] = {&pool, &slot}; }
  void remove(const WorkerSlot& slot) { by_serial_.erase(slot.serial); }

  // Whom an event of the poller means; empty if that worker is gone.
  Entry find(std::uint32_t serial) const {
    const auto found = by_serial_.find(serial);
    return found == by_serial_.end() ? Entry{} : found->second;
  }
  // Whose process this is; empty if it is no worker's.
  Entry find_process(pid_t pid) const {
    const auto found = std::ranges::find_if(
        by_serial_, [pid](const auto& entry) { return entry.second.slot->pid == pid && !entry.second.slot->reaped; });
    return found == by_serial_.end() ? Entry{} : found->second;
  }

  bool is_empty() const { return by_serial_.empty(); }

  template <typename Visitor>
  void for_each(Visitor visit) {
    for (const auto& [serial, entry] : by_serial_) visit(*entry.slot);
  }

 private:
  std::map<std::uint32_t, Entry> by_serial_;
};

}  // namespace forklift::master
