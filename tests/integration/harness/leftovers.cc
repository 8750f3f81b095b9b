#include "harness/leftovers.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <stdexcept>

#include "harness/processes.h"

namespace harness {
namespace {

#ifdef __SANITIZE_ADDRESS__
// Freed memory stays in quarantine, up to 256 MB of it.
constexpr std::size_t kQuarantineKb = 300 * 1024;
constexpr std::size_t kQuarantineMappings = 1000;
#else
constexpr std::size_t kQuarantineKb = 0;
constexpr std::size_t kQuarantineMappings = 0;
#endif

// So many looks in a row, one every 5 ms, have to see the same before a server counts as being at rest.
constexpr int kSteadyLooks = 20;

}  // namespace

Leftovers::Leftovers(pid_t master) : master_(master) {
  look();
  int steady = 0;
  const auto at_rest = [&] {
    if (differences({.master_mappings = 0, .master_rss_kb = 0}).empty()) return ++steady == kSteadyLooks;
    look();
    steady = 0;
    return false;
  };
  if (!eventually(at_rest)) throw std::runtime_error("the server does not come to rest");
}

void Leftovers::look() {
  master_descriptors_ = descriptor_kinds_of(master_);
  master_mappings_ = mappings_of(master_);
  master_rss_kb_ = rss_kb_of(master_);
  workers_.clear();
  for (const Process& worker : children_of(master_)) workers_.push_back(descriptor_kinds_of(worker.pid));
}

testing::AssertionResult Leftovers::none(const Allowance& allowance, milliseconds patience) const {
  std::vector<std::string> found;
  const auto nothing_found = [&] {
    found = differences(allowance);
    return found.empty();
  };
  if (eventually(nothing_found, patience)) return testing::AssertionSuccess();
  return testing::AssertionFailure() << fmt::format("left behind:\n  {}", fmt::join(found, "\n  "));
}

std::vector<std::string> Leftovers::differences(const Allowance& allowance) const {
  std::vector<std::string> found;
  const auto workers = children_of(master_);
  if (workers.size() != workers_.size()) {
    found.push_back(fmt::format("{} workers and not {}", workers.size(), workers_.size()));
  }
  for (const Process& worker : workers) {
    if (worker.state == 'Z') {
      found.push_back(fmt::format("zombie: pid {} ({})", worker.pid, worker.name));
      continue;
    }
    const auto descriptors = descriptor_kinds_of(worker.pid);
    if (std::find(workers_.begin(), workers_.end(), descriptors) == workers_.end()) {
      found.push_back(fmt::format("descriptors of worker {}: {}", worker.pid, descriptors));
    }
    for (const Process& other : descendants_of(worker.pid)) {
      found.push_back(fmt::format("process {} ({}), a child of worker {}", other.pid, other.name, worker.pid));
    }
  }
  if (const auto descriptors = descriptor_kinds_of(master_); descriptors != master_descriptors_) {
    found.push_back(fmt::format("descriptors of the master: {} and not {}", descriptors, master_descriptors_));
  }
  if (const auto mappings = mappings_of(master_);
      mappings > master_mappings_ + allowance.master_mappings + kQuarantineMappings) {
    found.push_back(fmt::format("{} mappings in the master and not {}", mappings, master_mappings_));
  }
  if (const auto rss_kb = rss_kb_of(master_); rss_kb > master_rss_kb_ + allowance.master_rss_kb + kQuarantineKb) {
    found.push_back(fmt::format("the master has {} KB in memory and not {}", rss_kb, master_rss_kb_));
  }
  return found;
}

}  // namespace harness
