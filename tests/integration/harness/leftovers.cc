#include "harness/leftovers.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <stdexcept>
#include <thread>

#include "harness/files.h"

namespace harness {
namespace {

constexpr std::size_t kMoreMappings = 8;
constexpr std::size_t kMoreKb = 1024;

// With the address sanitizer freed memory stays in quarantine, up to 256 MB of it.
constexpr std::size_t kQuarantineKb = 300 * 1024;
constexpr std::size_t kQuarantineMappings = 1000;

// So many looks in a row, one every 5 ms, have to see the same before a server counts as having come to rest.
constexpr int kSteadyLooks = 4;

// A server that nobody asks waits for nothing but what is a second away, or more: the next try of an app that does not
// start, the end of a connection that lingers.
constexpr milliseconds kMoment(50);
constexpr std::size_t kFewWakeUps = 4;

const std::string kSockets = "socket";
constexpr std::string_view kImage = "image of ";

// The app whose worker bears this name, which the kernel has cut to 15 bytes; empty if there is none.
std::string app_of(const std::string& name, const Pools& pools) {
  for (const auto& [app, pool] : pools) {
    if (name == ("fl:" + app).substr(0, 15)) return app;
  }
  return {};
}

}  // namespace

Leftovers::Look::Look(pid_t of_master, const Pools& pools)
    : master(descriptor_kinds_of(of_master)), mappings(mappings_of(of_master)), memory_kb(own_memory_kb_of(of_master)) {
  if (!is_asleep(of_master)) unrest.push_back("the master is not asleep");
  for (const Process& process : descendants_of(of_master)) see(process, of_master, pools);
  for (const auto& [app, pool] : pools) {
    const std::size_t count = workers[app].size();
    worker_count += count;
    if (count >= pool.min && count <= pool.max) continue;
    unrest.push_back(fmt::format("app \"{}\" has {} workers and not {} to {}", app, count, pool.min, pool.max));
  }
}

void Leftovers::Look::see(const Process& process, pid_t of_master, const Pools& pools) {
  const std::string who = fmt::format("process {} ({})", process.pid, process.name);
  const std::string app = app_of(process.name, pools);
  if (process.state == 'Z') {
    unrest.push_back(who + " is a zombie");
  } else if (process.parent != of_master) {
    unrest.push_back(fmt::format("{} is a child of process {}", who, process.parent));
  } else if (app.empty()) {
    unrest.push_back(who + " is no worker");
  } else {
    if (process.state != 'S') unrest.push_back(fmt::format("{} is not asleep but {}", who, process.state));
    Descriptors& descriptors = workers[app][process.pid] = descriptor_kinds_of(process.pid);
    // Opened where workers.max_memory is first asked for, and kept.
    descriptors.erase(fmt::format("/proc/{}/statm", process.pid));
  }
}

Leftovers::Leftovers(pid_t master, const Pools& pools) : master_(master), then_(master, pools) {
  int steady = 0;
  const auto at_rest = [&] {
    Look now(master_, pools);
    steady = now.unrest.empty() && now == then_ ? steady + 1 : 0;
    then_ = std::move(now);
    return steady == kSteadyLooks;
  };
  if (!eventually(at_rest, 2 * kPatience)) {
    throw std::runtime_error(fmt::format("the server does not come to rest: {}", fmt::join(then_.unrest, ", ")));
  }
}

testing::AssertionResult Leftovers::none(const Pools& pools, milliseconds patience) const {
  std::vector<std::string> found;
  const auto nothing_found = [&] {
    const Look now(master_, pools);
    found = differences(now);
    found.insert(found.begin(), now.unrest.begin(), now.unrest.end());
    if (found.empty()) found = wake_ups();
    return found.empty();
  };
  if (eventually(nothing_found, patience)) return testing::AssertionSuccess();
  return testing::AssertionFailure() << fmt::format("left behind:\n  {}", fmt::join(found, "\n  "));
}

std::vector<std::string> Leftovers::wake_ups() const {
  const std::size_t before = waits_of(master_);
  std::this_thread::sleep_for(kMoment);
  const std::size_t count = waits_of(master_) - before;
  if (count <= kFewWakeUps) return {};
  return {fmt::format("the master was woken {} times in {} ms", count, kMoment.count())};
}

std::vector<std::string> Leftovers::differences(const Look& now) const {
  std::vector<std::string> found;
  for (const auto& [app, workers] : now.workers) {
    const auto known = then_.workers.find(app);
    for (const auto& [pid, descriptors] : workers) {
      // Standard input is empty, the other two go to the master; beyond that a worker holds its channel, its image and
      // its working folder.
      const Descriptors bare{
          {"/dev/null", 1}, {kSockets, 3}, {std::string(kImage) + app, 1}, {working_folder_of(pid), 1}};
      const bool is_new = known == then_.workers.end() || known->second.empty();
      const bool is_known = is_new ? descriptors == bare
                                   : std::any_of(known->second.begin(), known->second.end(),
                                                 [&](const auto& worker) { return worker.second == descriptors; });
      if (!is_known) found.push_back(fmt::format("descriptors of worker {}: {}", pid, descriptors));
    }
  }

  Descriptors expected = then_.master;
  const int more_workers = static_cast<int>(now.worker_count) - static_cast<int>(then_.worker_count);
  expected[kSockets] += 3 * more_workers;
  std::erase_if(expected, [](const auto& kind) { return kind.second == 0; });
  for (const auto& [kind, count] : now.master) {
    if (kind.starts_with(kImage) && count == 1) expected[kind] = 1;
  }
  if (now.master != expected) {
    found.push_back(fmt::format("descriptors of the master: {} and not {}", now.master, expected));
  }
  if (now.mappings > then_.mappings + kMoreMappings + (is_sanitized() ? kQuarantineMappings : 0)) {
    found.push_back(fmt::format("{} mappings in the master and not {}", now.mappings, then_.mappings));
  }
  if (now.memory_kb > then_.memory_kb + kMoreKb + (is_sanitized() ? kQuarantineKb : 0)) {
    found.push_back(fmt::format("the master has {} KB of its own and not {}", now.memory_kb, then_.memory_kb));
  }
  return found;
}

}  // namespace harness
