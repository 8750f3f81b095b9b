// What clients have seen in a storm, held against what the server says of it: every request has one outcome, which its
// own fault, an obituary that names it, or a fault of the machine at that time explains; and one line in the access
// log.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "storm/visit.h"

namespace harness {

using StormTime = std::chrono::steady_clock::time_point;

class Ledger {
 public:
  // The access log's format that explain() reads.
  static constexpr std::string_view kFormat = "$status $ending $uri";

  // By any thread.
  std::uint32_t next_id();
  void enter(std::uint32_t id, const Visit& visit, const Response& response, StormTime begin, StormTime end);
  // From `begin` to `end` the machine has failed the server, so that requests may have got 503.
  void enter_outage(StormTime begin, StormTime end);

  // Each deviation is a failure of the test, up to a few; the others are counted. At the end, with the whole of both
  // logs.
  void judge(const std::string& access_log, const std::string& log) const;

  // `12345 requests; page: 200 1234, 502 3; ...`
  std::string summary() const;

 private:
  struct Entry {
    std::uint32_t id;
    const Visit* visit;
    Outcome outcome;
    int status;
    std::string problem;
    StormTime begin;
    StormTime end;
  };
  struct Outage {
    StormTime begin;
    StormTime end;
  };
  class Verdict;

  mutable std::mutex mutex_;
  std::uint32_t ids_ = 0;
  std::vector<Entry> entries_;
  std::vector<Outage> outages_;
};

}  // namespace harness
