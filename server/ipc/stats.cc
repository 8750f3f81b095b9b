#include "ipc/stats.h"

#include <algorithm>
#include <new>

namespace forklift::ipc {

static_assert(std::atomic<std::uint64_t>::is_always_lock_free && std::atomic<StatKind>::is_always_lock_free);

bool is_stat_name(std::string_view name) {
  constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyz0123456789_";
  return !name.empty() && name.size() <= kStatNameMax && name.find_first_not_of(kAllowed) == std::string_view::npos;
}

std::size_t SharedStats::count() const {
  return std::min<std::size_t>(count_->load(std::memory_order_acquire), kStatsMax);
}

std::size_t SharedStats::add(StatKind kind, std::string_view name, std::string_view help) {
  const std::size_t index = added_++;
  if (index == 0) new (memory_) StatsLayout{};
  StatEntry& entry = entries()[index];
  entry.kind.store(kind, std::memory_order_relaxed);
  store(entry.name, name);
  store(entry.help, help);
  count_->store(static_cast<std::uint32_t>(index + 1), std::memory_order_release);
  return index;
}

std::vector<Stat> SharedStats::read() const {
  std::vector<Stat> stats;
  const std::size_t all = count();
  for (std::size_t i = 0; i < all; ++i) {
    const StatEntry& entry = entries()[i];
    char text[kStatHelpMax];
    static_assert(sizeof text >= kStatNameMax);
    Stat stat{.kind = entry.kind.load(std::memory_order_relaxed),
              .name = {text, load(entry.name, text)},
              .help = {},
              .value = entry.value.load(std::memory_order_relaxed)};
    stat.help.assign(text, load(entry.help, text));
    const bool known = stat.kind == StatKind::kCounter || stat.kind == StatKind::kGauge;
    if (known && is_stat_name(stat.name)) stats.push_back(std::move(stat));
  }
  return stats;
}

}  // namespace forklift::ipc
