#include "storm/ledger.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <sstream>

namespace harness {
namespace {

constexpr int kShownDeviations = 20;

// A line of the access log.
struct Line {
  int status = 0;
  bool complete = false;
};

// What the obituary of a worker says of the request that it had.
enum class Fate { kAnswered502, kAnswered504, kAborted, kComplete };

template <typename T>
std::optional<T> number(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end != text.data() ? std::optional(value) : std::nullopt;
}

std::optional<Fate> fate_in(std::string_view line) {
  constexpr std::pair<std::string_view, Fate> kFates[] = {
      {"; answered 502", Fate::kAnswered502},
      {"; answered 504", Fate::kAnswered504},
      {"so the connection is aborted", Fate::kAborted},
      {"; the response was complete", Fate::kComplete},
  };
  for (const auto& [ending, fate] : kFates) {
    if (line.ends_with(ending)) return fate;
  }
  return std::nullopt;
}

// What the server says, by the id of the request.
struct Testimony {
  std::multimap<std::uint32_t, Line> lines;
  std::map<int, int> nameless;  // lines without a URI, by status
  std::multimap<std::uint32_t, Fate> obituaries;
  int given_up = 0;  // 502 after the third lend that no worker took
  std::vector<std::string> unreadable;

  void read_access_log(const std::string& text) {
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) {
      std::istringstream words(line);
      Line read;
      std::string ending;
      std::string uri;
      words >> read.status >> ending >> uri;
      read.complete = ending == "complete";
      const auto id = uri.starts_with('/') ? number<std::uint32_t>(uri.substr(1)) : std::nullopt;
      if (id) {
        lines.emplace(*id, read);
      } else if (uri == "-") {
        ++nameless[read.status];
      } else {
        unreadable.push_back(line);
      }
    }
  }

  void read_log(const std::string& text) {
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) {
      const auto fate = fate_in(line);
      if (!fate) continue;
      if (line.find(" before it took the request") != line.npos) {
        given_up += *fate == Fate::kAnswered502;
        continue;
      }
      const auto at = line.find(" \"/");
      const auto id = at == line.npos ? std::nullopt : number<std::uint32_t>(std::string_view(line).substr(at + 3));
      if (id) {
        obituaries.emplace(*id, *fate);
      } else {
        unreadable.push_back(line);
      }
    }
  }
};

}  // namespace

// What is wrong with one entry.
class Ledger::Verdict {
 public:
  Verdict(const Entry& entry, Testimony& testimony, bool in_outage)
      : entry_(entry), testimony_(testimony), in_outage_(in_outage) {
    const auto [first, last] = testimony.obituaries.equal_range(entry.id);
    if (first != last) obituary_ = first->second;
    if (std::distance(first, last) > 1) deviations_.push_back("more than one obituary");
    if (!explained()) deviations_.push_back("nothing explains its outcome");
    check_lines();
  }

  const std::vector<std::string>& deviations() const { return deviations_; }

 private:
  bool answered(int status) const { return entry_.outcome == Outcome::kComplete && entry_.status == status; }
  bool unseen() const { return entry_.visit->right.outcome == Right::Outcome::kUnseen; }

  bool is_right() const {
    const Right& right = entry_.visit->right;
    switch (right.outcome) {
      case Right::Outcome::kAnswered: return answered(right.status);
      case Right::Outcome::kAborted: return entry_.outcome == Outcome::kAborted && entry_.status == right.status;
      case Right::Outcome::kUnseen: return true;
    }
    return false;
  }

  bool explained() const {
    if (is_right() || (in_outage_ && answered(503))) return true;
    if (answered(502) && testimony_.given_up > 0) {
      --testimony_.given_up;
      return true;
    }
    if (!obituary_) return false;
    switch (*obituary_) {
      case Fate::kAnswered502: return answered(502);
      case Fate::kAnswered504: return answered(504);
      case Fate::kAborted: return entry_.outcome == Outcome::kAborted;
      case Fate::kComplete: return false;
    }
    return false;
  }

  void check_lines() {
    const auto [first, last] = testimony_.lines.equal_range(entry_.id);
    const auto count = std::distance(first, last);
    if (count > 1) deviations_.push_back(fmt::format("{} lines in the access log", count));
    if (count == 1) return check_line(first->second);
    if (entry_.visit->lines == Lines::kNone) return;
    if (!unseen()) return take_nameless(entry_.status);
    // Whoever left at once may not have been noticed at all.
    if (entry_.visit->lines == Lines::kAtMostOne) return;
    // The client that leaves midway has had its head read, but perhaps nobody to take it.
    take_nameless(in_outage_ ? 503 : 502);
  }

  void check_line(const Line& line) {
    if (entry_.visit->lines == Lines::kNone || entry_.visit->lines == Lines::kNameless) {
      deviations_.push_back("a line in the access log with its URI");
    }
    if (unseen()) return;
    if (line.status != entry_.status) deviations_.push_back(fmt::format("the access log says {}", line.status));
    // A worker that dies behind the last byte, before it could tell, leaves a page that its length shows to be whole.
    const bool complete = entry_.outcome == Outcome::kComplete;
    if (line.complete != complete && !(complete && obituary_ == Fate::kAborted)) {
      deviations_.push_back(fmt::format("the access log says {}", line.complete ? "complete" : "aborted"));
    }
  }

  void take_nameless(int status) {
    if (testimony_.nameless[status]-- <= 0) deviations_.push_back("no line in the access log");
  }

  const Entry& entry_;
  Testimony& testimony_;
  const bool in_outage_;
  std::optional<Fate> obituary_;
  std::vector<std::string> deviations_;
};

std::uint32_t Ledger::next_id() {
  const std::lock_guard lock(mutex_);
  return ++ids_;
}

void Ledger::enter(std::uint32_t id, const Visit& visit, const Response& response, StormTime begin, StormTime end) {
  const std::lock_guard lock(mutex_);
  entries_.push_back({id, &visit, response.outcome, response.status, response.problem, begin, end});
}

void Ledger::enter_outage(StormTime begin, StormTime end) {
  const std::lock_guard lock(mutex_);
  outages_.push_back({begin, end});
}

void Ledger::judge(const std::string& access_log, const std::string& log) const {
  Testimony testimony;
  testimony.read_access_log(access_log);
  testimony.read_log(log);
  for (const std::string& line : testimony.unreadable) ADD_FAILURE() << "what does this speak of? " << line;

  int deviating = 0;
  int left_at_once = 0;
  for (const Entry& entry : entries_) {
    left_at_once += entry.visit->lines == Lines::kAtMostOne;
    const bool in_outage = std::ranges::any_of(
        outages_, [&](const Outage& outage) { return entry.begin < outage.end && outage.begin < entry.end; });
    const Verdict verdict(entry, testimony, in_outage);
    if (verdict.deviations().empty() || ++deviating > kShownDeviations) continue;
    for (const std::string& deviation : verdict.deviations()) {
      ADD_FAILURE() << "/" << entry.id << " (" << entry.visit->name << "), " << entry.outcome << " " << entry.status
                    << " " << entry.problem << ": " << deviation;
    }
  }
  EXPECT_LE(deviating, kShownDeviations) << "so many in all";
  // What is left over of the lines without a URI can only be of clients that had left, or got an answer unread.
  int left_over = 0;
  for (const auto& [status, count] : testimony.nameless) {
    EXPECT_TRUE(count == 0 || status == 499 || status == 503 || status == 502)
        << count << " lines of status " << status << " that no client has asked for";
    left_over += count;
  }
  EXPECT_LE(left_over, left_at_once) << "lines that no client has asked for";
}

std::string Ledger::summary() const {
  std::map<std::string_view, std::map<std::string, int>> counts;
  for (const Entry& entry : entries_) {
    std::ostringstream outcome;
    if (entry.visit->right.outcome == Right::Outcome::kUnseen) {
      outcome << "unseen";
    } else {
      outcome << entry.outcome << ' ' << entry.status;
    }
    ++counts[entry.visit->name][outcome.str()];
  }
  std::string text = fmt::format("{} requests", entries_.size());
  for (const auto& [name, outcomes] : counts) {
    text += fmt::format("\n  {}:", name);
    for (const auto& [outcome, count] : outcomes) text += fmt::format(" {} x {};", count, outcome);
  }
  return text;
}

}  // namespace harness
