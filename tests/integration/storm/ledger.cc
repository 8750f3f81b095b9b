#include "storm/ledger.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <sstream>

#include "harness/waiting.h"

namespace harness {
namespace {

constexpr int kShownDeviations = 20;

// Behind queue.age a request gets 503, and who has a worker has no more than timeouts.request, a second, of three of
// them.
constexpr milliseconds kPageWithin = seconds(10 + 3);

// Of what was drawn so often, one at least must have met nothing but its own fault.
constexpr int kOften = 20;

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

// The status that a worker's line gives for a request's end, 0 for an abort; `rest` follows the URI.
std::optional<int> status_told_in(std::string_view rest) {
  if (rest.starts_with(" aborted: ")) return 0;
  for (const std::string_view word : {" answered ", " refused with "}) {
    if (rest.starts_with(word)) return number<int>(rest.substr(word.size()));
  }
  return std::nullopt;
}

// What the server says, by the id of the request.
struct Testimony {
  std::multimap<std::uint32_t, Line> lines;
  std::map<int, int> nameless;  // lines without a URI, by status
  std::multimap<std::uint32_t, Fate> obituaries;
  std::multimap<std::uint32_t, int> told;  // by workers, with a reason: statuses, 0 for an abort
  int given_up = 0;                        // 502 after the third lend that no worker took
  int lost = 0;                            // lines of the log
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
    for (std::string line; std::getline(stream, line);) read_log_line(line);
  }

 private:
  void read_log_line(const std::string& line) {
    constexpr std::string_view kLost = " log lines were dropped because";
    if (const auto at = line.find(kLost); at != line.npos) {
      lost += number<int>(std::string_view(line).substr(line.rfind(' ', at - 1) + 1)).value_or(0);
    }
    const auto fate = fate_in(line);
    if (fate && line.find(" before it took the request") != line.npos) {
      given_up += *fate == Fate::kAnswered502;
      return;
    }
    const auto at = line.find(" \"/");
    const auto id = at == line.npos ? std::nullopt : number<std::uint32_t>(std::string_view(line).substr(at + 3));
    if (fate && id) {
      obituaries.emplace(*id, *fate);
    } else if (fate) {
      unreadable.push_back(line);
    } else if (id) {
      const auto end_of_uri = std::min(line.find('"', at + 3), line.size() - 1);
      if (const auto status = status_told_in(std::string_view(line).substr(end_of_uri + 1))) told.emplace(*id, *status);
    }
  }
};

}  // namespace

// What the troubles at the time of a request allow.
struct Ledger::Weather {
  bool delays = false;
  bool refuses = false;      // 503
  bool loses_lines = false;  // of the log
};

// What is wrong with one entry.
class Ledger::Verdict {
 public:
  Verdict(const Entry& entry, Testimony& testimony, const Weather& weather)
      : entry_(entry), testimony_(testimony), weather_(weather) {
    const auto [first, last] = testimony.obituaries.equal_range(entry.id);
    if (first != last) obituary_ = first->second;
    if (std::distance(first, last) > 1) deviations_.push_back("more than one obituary");
    if (!explained()) deviations_.push_back("nothing explains its outcome");
    const auto took = std::chrono::ceil<milliseconds>(entry.end - entry.begin);
    if (entry.visit->name == "page" && !weather.delays && took > kPageWithin) {
      deviations_.push_back(fmt::format("it took {} ms", took.count()));
    }
    check_lines();
  }

  const std::vector<std::string>& deviations() const { return deviations_; }

  // Whether it has met its own fault, and no other.
  bool is_right() const { return looks_right() && is_told(); }

 private:
  bool answered(int status) const { return entry_.outcome == Outcome::kComplete && entry_.status == status; }
  bool aborted() const { return entry_.outcome == Outcome::kAborted; }
  bool unseen() const { return entry_.visit->right.outcome == Right::Outcome::kUnseen; }

  bool looks_right() const {
    const Right& right = entry_.visit->right;
    switch (right.outcome) {
      case Right::Outcome::kAnswered:
        return answered(right.status) && entry_.body_bytes == right.body_bytes.value_or(entry_.body_bytes);
      case Right::Outcome::kAborted: return aborted() && entry_.status == right.status;
      case Right::Outcome::kUnseen: return entry_.outcome != Outcome::kTimeout;
    }
    return false;
  }

  bool is_told() const {
    switch (entry_.visit->right.told) {
      case Right::Told::kNothing: return true;
      case Right::Told::kObituary: return has_died();
      case Right::Told::kReason: break;
    }
    const auto [first, last] = testimony_.told.equal_range(entry_.id);
    const int status = aborted() ? 0 : entry_.status;
    return std::any_of(first, last, [status](const auto& told) { return told.second == status; });
  }

  // Whether its worker's obituary says that it has ended so.
  bool has_died() const {
    if (!obituary_) return false;
    switch (*obituary_) {
      case Fate::kAnswered502: return answered(502);
      case Fate::kAnswered504: return answered(504);
      case Fate::kAborted: return aborted();
      case Fate::kComplete: return false;
    }
    return false;
  }

  bool explained() {
    if (is_right() || (weather_.refuses && answered(503))) return true;
    if (entry_.host == Host::kCalm) return false;  // nobody meddles with its worker
    if (has_died() || (answered(502) && take_one(testimony_.given_up))) return true;
    const bool may_have_been_told = looks_right() || answered(502) || answered(504) || aborted();
    return weather_.loses_lines && may_have_been_told && take_one(testimony_.lost);
  }

  static bool take_one(int& count) { return count > 0 && count-- > 0; }

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
    take_nameless(weather_.refuses ? 503 : 502);
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
  const Weather weather_;
  std::optional<Fate> obituary_;
  std::vector<std::string> deviations_;
};

std::uint32_t Ledger::next_id() {
  const std::lock_guard lock(mutex_);
  return ++ids_;
}

void Ledger::enter(std::uint32_t id, Host host, const Visit& visit, const Response& response, StormTime begin,
                   StormTime end) {
  const std::lock_guard lock(mutex_);
  entries_.push_back(
      {id, host, &visit, response.outcome, response.status, response.body_bytes, response.problem, begin, end});
}

void Ledger::enter_trouble(Trouble what, StormTime begin, StormTime end) {
  const std::lock_guard lock(mutex_);
  troubles_.push_back({what, begin, end});
}

Ledger::Weather Ledger::weather_of(const Entry& entry) const {
  Weather weather;
  for (const auto& [what, begin, end] : troubles_) {
    if (entry.begin >= end || begin >= entry.end) continue;
    weather.delays = true;
    if (what == Trouble::kNoDescriptors || (what == Trouble::kNoWorker && entry.host == Host::kStorm)) {
      weather.refuses = true;
    }
    if (what == Trouble::kNoLog) weather.loses_lines = true;
  }
  return weather;
}

void Ledger::judge(const std::string& access_log, const std::string& log) const {
  Testimony testimony;
  testimony.read_access_log(access_log);
  testimony.read_log(log);
  for (const std::string& line : testimony.unreadable) ADD_FAILURE() << "what does this speak of? " << line;

  int deviating = 0;
  int left_at_once = 0;
  std::map<std::string_view, std::pair<int, int>> kinds;  // drawn, right
  for (const Entry& entry : entries_) {
    left_at_once += entry.visit->lines == Lines::kAtMostOne;
    const Verdict verdict(entry, testimony, weather_of(entry));
    auto& [drawn, right] = kinds[entry.visit->name];
    ++drawn;
    right += verdict.is_right();
    if (verdict.deviations().empty() || ++deviating > kShownDeviations) continue;
    for (const std::string& deviation : verdict.deviations()) {
      ADD_FAILURE() << "/" << entry.id << " (" << entry.visit->name << (entry.host == Host::kCalm ? ", calm" : "")
                    << "), " << entry.outcome << " " << entry.status << " " << entry.problem << ": " << deviation;
    }
  }
  for (const auto& [name, counts] : kinds) {
    EXPECT_TRUE(counts.second > 0 || counts.first < kOften) << "none of " << counts.first << " is right: " << name;
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
