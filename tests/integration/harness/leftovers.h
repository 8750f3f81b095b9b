// Whether a server at rest still looks as it did before: promise "nothing is left behind", seen from /proc.
#pragma once

#include <gtest/gtest.h>
#include <sys/types.h>

#include <map>
#include <string>
#include <vector>

#include "harness/waiting.h"

namespace harness {

class Leftovers {
 public:
  // By how much a server may have grown. Memory that was freed is not always given back: the allowance has to be small
  // beside what the test would leak if each of its requests left something.
  struct Allowance {
    std::size_t master_mappings = 8;
    std::size_t master_rss_kb = 8 * 1024;
  };

  // Remembers how the server looks as soon as that has not changed for a moment; throws if it never comes to rest. It
  // has to have as many workers as it will have at rest again.
  explicit Leftovers(pid_t master);

  // Waits until the server is at rest and looks as it was remembered: the same number of workers (other ones, perhaps),
  // each with the descriptors of one that was there; no other process, no zombie; the master with the same descriptors.
  // A failure names each difference.
  testing::AssertionResult none(const Allowance& allowance, milliseconds patience = kPatience) const;
  testing::AssertionResult none() const { return none(Allowance{}); }

 private:
  using Descriptors = std::map<std::string, int>;

  void look();
  std::vector<std::string> differences(const Allowance& allowance) const;

  pid_t master_;
  Descriptors master_descriptors_;
  std::size_t master_mappings_ = 0;
  std::size_t master_rss_kb_ = 0;
  std::vector<Descriptors> workers_;
};

}  // namespace harness
