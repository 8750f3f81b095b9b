// Whether a server at rest still looks as it did before: promise "nothing is left behind", seen from /proc.
#pragma once

#include <gtest/gtest.h>
#include <sys/types.h>

#include <map>
#include <string>
#include <vector>

#include "harness/processes.h"
#include "harness/waiting.h"

namespace harness {

// How many workers an app has at rest: `workers.min` to `workers.max`, or what a test knows better.
struct Pool {
  unsigned min = 0;
  unsigned max = 0;
};
using Pools = std::map<std::string, Pool>;  // by app

// A server is at rest when all of its processes sleep, each app has as many workers as it is to have, and there is no
// other process: no zombie, no child of a worker.
class Leftovers {
 public:
  // Remembers how the server looks as soon as it is at rest and has not changed for a moment; throws, and says what is
  // wrong, if that never comes.
  Leftovers(pid_t master, const Pools& pools);

  // The master is to have `more` descriptors of this kind (see descriptor_kinds_of) than it was remembered with.
  void expect_descriptors(const std::string& kind, int more) { then_.master[kind] += more; }

  // Waits until the server is at rest and looks as it was remembered: each worker has the descriptors of one that its
  // app had then (or, if it had none, those that every worker has); so has the master, but for the channels and
  // the output of more workers and the images of more apps, and it has at most 1 MB and 8 mappings more. For a moment
  // hardly anything wakes the master. A failure names each difference.
  //
  // Of the master's memory, what it has written counts (see own_memory_kb_of): over all scenarios that differs by less
  // than 100 KB between READY and the end, where Pss differs by more than 1 MB with the number of processes that run
  // the same binary.
  testing::AssertionResult none(const Pools& pools, milliseconds patience = kPatience) const;

 private:
  using Descriptors = std::map<std::string, int>;  // by kind

  struct Look {
    explicit Look(pid_t master, const Pools& pools);
    bool operator==(const Look&) const = default;

    Descriptors master;
    std::size_t mappings = 0;
    std::size_t memory_kb = 0;
    std::map<std::string, std::map<pid_t, Descriptors>> workers;  // by app
    std::size_t worker_count = 0;
    std::vector<std::string> unrest;  // why this is no server at rest

   private:
    void see(const Process& process, pid_t of_master, const Pools& pools);
  };

  std::vector<std::string> differences(const Look& now) const;
  std::vector<std::string> wake_ups() const;

  pid_t master_;
  Look then_;
};

}  // namespace harness
