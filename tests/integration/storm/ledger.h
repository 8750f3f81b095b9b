// What clients have seen in a storm, held against what the server says of it: every request has one outcome, which its
// own fault, an obituary that names it, or a trouble at that time explains; and one line in the access log.
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

// Whom a visit is for: the app that everything happens to, or the one beside it.
enum class Host { kStorm, kCalm };

// What was wrong with the server for a time. All of it may delay answers.
enum class Trouble {
  kDelay,          // explains no other outcome
  kNoDescriptors,  // accept4 fails: any app may answer 503
  kNoWorker,       // the storm's app has none, and answers 503
  kNoLog,          // lines of the log are lost, and counted
};

class Ledger {
 public:
  // The access log's format that judge() reads.
  static constexpr std::string_view kFormat = "$status $ending $uri";

  // By any thread.
  std::uint32_t next_id();
  void enter(std::uint32_t id, Host host, const Visit& visit, const Response& response, StormTime begin, StormTime end);
  void enter_trouble(Trouble what, StormTime begin, StormTime end);

  // Each deviation is a failure of the test, up to a few; the others are counted. At the end, with the whole of both
  // logs.
  void judge(const std::string& access_log, const std::string& log) const;

  // The number of requests, and a line for each kind of visit: `page: 1234 x complete 200; 3 x complete 502;`
  std::string summary() const;

 private:
  struct Entry {
    std::uint32_t id;
    Host host;
    const Visit* visit;
    Outcome outcome;
    int status;
    std::uint64_t body_bytes;
    std::string problem;
    StormTime begin;
    StormTime end;
  };
  struct Times {
    Trouble what;
    StormTime begin;
    StormTime end;
  };
  struct Weather;
  class Verdict;

  Weather weather_of(const Entry& entry) const;

  mutable std::mutex mutex_;
  std::uint32_t ids_ = 0;
  std::vector<Entry> entries_;
  std::vector<Times> troubles_;
};

}  // namespace harness
