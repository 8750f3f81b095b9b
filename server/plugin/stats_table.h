// The service forklift.stats/1: a plugin's own counters and gauges.
#pragma once

#include <forklift/stats.h>

#include <array>
#include <atomic>
#include <string>
#include <string_view>
#include <thread>

#include "ipc/stats.h"

namespace forklift::plugin {

// Makes the table and is what its functions work on. As with HostTable, it lives until the plugin's destroy() has
// returned, and cannot be moved; so does the memory behind `stats`, where the numbers are.  [worker, made on its main
// thread]
class StatsTable {
 public:
  explicit StatsTable(ipc::SharedStats stats);
  StatsTable(const StatsTable&) = delete;
  StatsTable& operator=(const StatsTable&) = delete;

  const forklift_stats* table() const { return &table_; }

  // The plugin's create() has returned: no more are registered.
  void close() { is_open_ = false; }

 private:
  struct Table : forklift_stats {
    StatsTable* self;
  };
  // Here, and not only in the shared memory, which the plugin may write to.
  struct Registered {
    ipc::StatKind kind = ipc::StatKind::kCounter;
    std::string name;
  };

  static int counter(const forklift_stats* table, const char* name, const char* help) noexcept;
  static int gauge(const forklift_stats* table, const char* name, const char* help) noexcept;
  static void add(const forklift_stats* table, int number, int64_t amount) noexcept;
  static void set(const forklift_stats* table, int number, int64_t value) noexcept;

  static int register_stat(const forklift_stats* table, ipc::StatKind kind, const char* name,
                           const char* help) noexcept;
  int do_register(ipc::StatKind kind, std::string_view name, std::string_view help);
  // The one that has this number, if there is one.
  const Registered* find(int number) const;

  Table table_{};
  ipc::SharedStats stats_;
  const std::thread::id thread_ = std::this_thread::get_id();
  bool is_open_ = true;
  std::atomic<int> count_ = 0;
  std::array<Registered, ipc::kStatsMax> registered_;
};

}  // namespace forklift::plugin
