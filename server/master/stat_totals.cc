#include "master/stat_totals.h"

#include <algorithm>
#include <limits>

namespace forklift::master {

namespace {

std::uint64_t counters_sum(std::uint64_t a, std::uint64_t b) {
  std::uint64_t sum = 0;
  return __builtin_add_overflow(a, b, &sum) ? std::numeric_limits<std::uint64_t>::max() : sum;
}

std::uint64_t gauges_sum(std::uint64_t a, std::uint64_t b) {
  std::int64_t sum = 0;
  if (__builtin_add_overflow(static_cast<std::int64_t>(a), static_cast<std::int64_t>(b), &sum)) {
    sum = static_cast<std::int64_t>(a) < 0 ? std::numeric_limits<std::int64_t>::min()
                                           : std::numeric_limits<std::int64_t>::max();
  }
  return static_cast<std::uint64_t>(sum);
}

}  // namespace

void StatTotals::add_live(const std::vector<ipc::Stat>& stats) {
  for (const ipc::Stat& stat : stats) add(stat, true);
}

void StatTotals::add_dead(const std::vector<ipc::Stat>& stats) {
  for (const ipc::Stat& stat : stats) add(stat, false);
}

StatTotals& StatTotals::operator+=(const StatTotals& other) {
  add_live(other.totals_);
  return *this;
}

// A name may be a counter in one generation and a gauge in the next: they are two.
void StatTotals::add(const ipc::Stat& stat, bool lives) {
  const bool is_gauge = stat.kind == ipc::StatKind::kGauge;
  if (is_gauge && !lives) return;
  const auto same = [&](const Total& total) { return total.kind == stat.kind && total.name == stat.name; };
  auto found = std::ranges::find_if(totals_, same);
  if (found == totals_.end()) {
    if (totals_.size() < kNamesMax) totals_.push_back(stat);
    return;
  }
  found->value = is_gauge ? gauges_sum(found->value, stat.value) : counters_sum(found->value, stat.value);
  if (lives) found->help = stat.help;
}

}  // namespace forklift::master
