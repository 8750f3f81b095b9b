// What the workers of an app count for themselves, added up.
#pragma once

#include <cstddef>
#include <vector>

#include "ipc/stats.h"

namespace forklift::master {

class StatTotals {
 public:
  using Total = ipc::Stat;

  // How many names an app can have, over all generations: a plugin that writes ever new ones into its page fills no
  // memory. Those that come later are left out.
  static constexpr std::size_t kNamesMax = 256;

  // What a worker that lives says now. A sum that is too large for its 64 bits stays at the end of them.
  void add_live(const std::vector<ipc::Stat>& stats);
  // What a dead one has left: its gauges are nothing any more.
  void add_dead(const std::vector<ipc::Stat>& stats);
  StatTotals& operator+=(const StatTotals& other);

  // In the order in which the names have come.
  template <typename Visitor>
  void for_each(Visitor visit) const {
    for (const Total& total : totals_) visit(total);
  }

 private:
  void add(const ipc::Stat& stat, bool lives);

  std::vector<Total> totals_;
};

}  // namespace forklift::master
