#include "cgi/differences.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <ostream>
#include <set>
#include <sstream>
#include <stdexcept>

#include "base/quote.h"

namespace harness {
namespace {

constexpr std::size_t kShownBytes = 60;

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(), [](unsigned char c) { return std::tolower(c); });
  return result;
}

using Headers = std::map<std::string, std::string>;  // repeated ones in one value, with ` + ` between

Headers headers_of(const Response& response) {
  static const std::set<std::string> kServers{"connection",        "date", "keep-alive", "server",
                                              "transfer-encoding", "vary", "via"};
  Headers result;
  for (const auto& [name, value] : response.headers) {
    const std::string key = lower(name);
    if (kServers.contains(key)) continue;
    auto& known = result[key];
    const std::string shown = forklift::quote(value, kShownBytes);
    known = known.empty() ? shown : known + " + " + shown;
  }
  return result;
}

std::string status_of(const Response& response) {
  if (response.status == 0) return "-";
  return response.reason.empty() ? std::to_string(response.status)
                                 : fmt::format("{} {}", response.status, response.reason);
}

std::string end_of(const Response& response) {
  std::ostringstream text;
  text << response.outcome;
  return text.str();
}

std::string body_of(const Response& response) {
  if (response.body.size() <= kShownBytes) return forklift::quote(response.body, kShownBytes);
  return fmt::format("{} bytes", response.body.size());
}

std::string value_of(const Headers& headers, const std::string& name) {
  const auto at = headers.find(name);
  return at == headers.end() ? "-" : at->second;
}

std::string trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(' ');
  if (begin == text.npos) return "";
  return std::string(text.substr(begin, text.find_last_not_of(' ') - begin + 1));
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const Difference& difference) {
  return out << difference.name << " | " << difference.what << " | " << difference.judge << " | " << difference.ours;
}

std::vector<Difference> compare(const std::string& name, const Response& judge, const Response& ours,
                                bool is_servers_page) {
  std::vector<Difference> result;
  const auto note = [&](const std::string& what, const std::string& of_judge, const std::string& of_ours) {
    if (of_judge != of_ours) result.push_back({name, what, of_judge, of_ours, false});
  };
  note("status", status_of(judge), status_of(ours));
  if (!result.empty()) return result;
  note("end", end_of(judge), end_of(ours));
  if (is_servers_page) return result;

  const Headers of_judge = headers_of(judge);
  const Headers of_ours = headers_of(ours);
  std::set<std::string> names;
  for (const auto& [key, value] : of_judge) names.insert(key);
  for (const auto& [key, value] : of_ours) names.insert(key);
  // Whether a length is told or chunks are sent depends on how much a server stores.
  if (!of_judge.contains("content-length") || !of_ours.contains("content-length")) names.erase("content-length");
  for (const std::string& key : names) note("header " + key, value_of(of_judge, key), value_of(of_ours, key));
  if (judge.body != ours.body) {
    const std::string shown = body_of(judge);
    note("body", shown, shown == body_of(ours) ? "as many others" : body_of(ours));
  }
  return result;
}

std::vector<Difference> read_known_differences(std::string_view text) {
  std::vector<Difference> result;
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    if (trimmed(line).empty() || line.starts_with('#')) continue;
    std::vector<std::string> fields;
    std::string_view rest = line;
    for (auto bar = rest.find(" | "); bar != rest.npos; bar = rest.find(" | ")) {
      fields.push_back(trimmed(rest.substr(0, bar)));
      rest.remove_prefix(bar + 3);
    }
    fields.push_back(trimmed(rest));
    if (fields.size() != 5 || fields.back().empty()) throw std::runtime_error("not a known difference: " + line);
    const bool optional = fields[1].ends_with('?');
    if (optional) fields[1].pop_back();
    result.push_back({fields[0], fields[1], fields[2], fields[3], optional});
  }
  return result;
}

bool is_known_as(const Difference& found, const Difference& known) {
  const auto fits = [](const std::string& value, const std::string& pattern) {
    return pattern == "*" || value == pattern;
  };
  return found.name == known.name && found.what == known.what && fits(found.judge, known.judge) &&
         fits(found.ours, known.ours);
}

}  // namespace harness
