#include "harness/expected_errors.h"

#include <fmt/format.h>

#include <sstream>

namespace harness {
namespace {

// As base/log.cc writes it: time and level, or JSON.
bool is_error(std::string_view line) {
  constexpr std::size_t kTimestamp = std::string_view("2024-01-31T23:59:59.999Z").size();
  return (line.size() > kTimestamp && line.substr(kTimestamp).starts_with(" error ")) ||
         (line.starts_with('{') && line.find("\"level\":\"error\"") != line.npos);
}

bool fits(std::string_view line, std::string_view pattern) {
  while (true) {
    const auto star = pattern.find('*');
    const std::string_view part = pattern.substr(0, star);
    const auto at = line.find(part);
    if (at == line.npos) return false;
    if (star == pattern.npos) return true;
    line.remove_prefix(at + part.size());
    pattern.remove_prefix(star + 1);
  }
}

}  // namespace

std::vector<std::string> ExpectedErrors::surprises(std::string_view log) const {
  std::vector<std::string> result;
  std::vector<std::size_t> met(patterns_.size());
  std::istringstream lines{std::string(log)};
  for (std::string line; std::getline(lines, line);) {
    if (!is_error(line)) continue;
    bool expected = false;
    for (std::size_t i = 0; i < patterns_.size(); ++i) {
      if (!fits(line, patterns_[i].text)) continue;
      expected = true;
      ++met[i];
    }
    if (!expected) result.push_back("not expected: " + line);
  }
  for (std::size_t i = 0; i < patterns_.size(); ++i) {
    const auto& [text, times] = patterns_[i];
    if (times && met[i] != *times) {
      result.push_back(fmt::format("expected {} times and there {} times: {}", *times, met[i], text));
    } else if (!times && met[i] == 0) {
      result.push_back("expected and not there: " + text);
    }
  }
  return result;
}

}  // namespace harness
