// A plugin's own counters and gauges, in the memory that its worker shares with the master.
//
// The master treats each byte of it as untrusted: a plugin can write here without asking.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ipc/page_text.h"

namespace forklift::ipc {

// As forklift/stats.h promises them.
inline constexpr std::size_t kStatsMax = 32;
inline constexpr std::size_t kStatNameMax = 48;
inline constexpr std::size_t kStatHelpMax = 128;

enum class StatKind : std::uint32_t { kCounter = 1, kGauge = 2 };

struct StatEntry {
  std::atomic<std::uint64_t> value;  // of a gauge: an int64_t
  std::atomic<StatKind> kind;
  PageText<kStatNameMax> name;
  PageText<kStatHelpMax> help;
};

struct StatsLayout {
  StatEntry entries[kStatsMax];
};

// One of them, as the master has read it.
struct Stat {
  StatKind kind = StatKind::kCounter;
  std::string name;  // [a-z0-9_]+
  std::string help;  // raw bytes, to be quoted
  std::uint64_t value = 0;
};

// Whether it is [a-z0-9_]+ of at most kStatNameMax bytes.
bool is_stat_name(std::string_view name);

// A view of those of one worker; the mapping outlives it. Their number stands with the rest of the page, so that nobody
// touches memory for what is not used.
class SharedStats {
 public:
  SharedStats(std::atomic<std::uint32_t>& count, void* entries) : count_(&count), memory_(entries) {}

  // ---- the worker's side ----
  // Adds one with the value 0, and returns its index: how many this view has added before, which are fewer than
  // kStatsMax. (What the page says of that the plugin may have changed.)  [worker, main thread]
  std::size_t add(StatKind kind, std::string_view name, std::string_view help);
  // The value of one that was added: lock-free.  [worker, any thread]
  std::atomic<std::uint64_t>& value(std::size_t index) { return entries()[index].value; }

  // ---- the master's side ----
  // All that make sense.
  std::vector<Stat> read() const;

 private:
  std::size_t count() const;
  StatEntry* entries() const { return static_cast<StatsLayout*>(memory_)->entries; }

  std::atomic<std::uint32_t>* count_;
  void* memory_;
  std::size_t added_ = 0;
};

}  // namespace forklift::ipc
