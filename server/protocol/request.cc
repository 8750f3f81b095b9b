#include "protocol/request.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/quote.h"

namespace forklift::protocol {
namespace {

// The shorter name is the smaller one: most comparisons then end at the length.
bool precedes(std::string_view a, std::string_view b) {
  return a.size() != b.size() ? a.size() < b.size() : a < b;
}

tl::unexpected<Rejection> malformed(std::string reason) {
  return tl::unexpected(Rejection{400, std::move(reason)});
}

bool is_name(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c <= '~' && c != '='; });
}

// A second host or second credentials would be read differently by whoever takes the first and whoever takes the last.
bool is_mergeable(std::string_view name) {
  return name.starts_with("HTTP_") && name != "HTTP_HOST" && name != "HTTP_AUTHORIZATION" &&
         name != "HTTP_CONTENT_LENGTH";
}

// The place of `name` in the index, or where it would stand.
//
// Sorted, and not a hash: the names are the client's, who could choose those that collide. Inserting moves 16 KB at the
// most with the default limit of 1000 names, which is less than comparing them costs.
template <typename Index>
auto locate(Index& index, const std::vector<Variable>& variables, std::string_view name) {
  return std::lower_bound(index.begin(), index.end(), name,
                          [&](const Request::IndexEntry& entry, std::string_view wanted) {
                            return precedes(variables[entry.variable].name, wanted);
                          });
}

}  // namespace

const Variable* Request::find(std::string_view name) const {
  const auto entry = locate(index, variables, name);
  if (entry == index.end() || variables[entry->variable].name != name) return nullptr;
  return &variables[entry->variable];
}

std::string_view Request::method() const {
  const Variable* method = find("REQUEST_METHOD");
  return method != nullptr ? method->value : std::string_view();
}

std::string_view Request::uri() const {
  for (const char* name : {"REQUEST_URI", "SCRIPT_NAME", "PATH_INFO"}) {
    const Variable* variable = find(name);
    if (variable != nullptr && !variable->value.empty()) return variable->value;
  }
  return {};
}

tl::expected<void, Rejection> Request::add(std::string_view name, std::string_view value) {
  if (!is_name(name)) {
    return malformed(fmt::format("variable {} has the name {}: expected visible ASCII characters without \"=\"",
                                 variables.size() + 1, quote(name, kShownBytes)));
  }
  if (name.starts_with("HTTP_") && (value.find('\r') != value.npos || value.find('\n') != value.npos)) {
    return malformed(fmt::format("{} has a line break in its value, which no header of a client can have: {}",
                                 quote(name, kShownBytes), quote(value, kShownBytes)));
  }

  const auto entry = locate(index, variables, name);
  if (entry == index.end() || variables[entry->variable].name != name) {
    index.insert(entry, IndexEntry{variables.size(), 0});
    variables.push_back({name, value});
    return {};
  }

  Variable& first = variables[entry->variable];
  if (!is_mergeable(name)) {
    return malformed(fmt::format("{} comes twice, as {} and as {}", quote(name, kShownBytes),
                                 quote(first.value, kShownBytes), quote(value, kShownBytes)));
  }
  if (entry->merged == 0) {
    merged.emplace_back(first.value);
    entry->merged = merged.size();
  }
  std::string& joined = merged[entry->merged - 1];
  joined.append(name == "HTTP_COOKIE" ? "; " : ", ").append(value);
  first.value = joined;
  return {};
}

void Request::clear() {
  variables.clear();
  index.clear();
  merged.clear();
  content_length = 0;
}

}  // namespace forklift::protocol
