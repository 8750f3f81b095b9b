// What has to hold of every request that the parser has accepted, whatever the bytes were.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <set>
#include <string>
#include <string_view>

#include "base/quote.h"
#include "protocol/request.h"

namespace forklift::protocol {

// Whether `string` and the NUL byte behind it lie in `memory`.
inline bool lies_in(std::string_view string, std::string_view memory) {
  return std::greater_equal<>()(string.data(), memory.data()) &&
         std::less<>()(string.data() + string.size(), memory.data() + memory.size()) &&
         string.data()[string.size()] == '\0';
}

// What is wrong with `request`, parsed from `head` within `limits`; empty where nothing is.
inline std::string find_unsoundness(const Request& request, std::string_view head, const RequestLimits& limits) {
  const auto is_merged = [&](std::string_view value) {
    return std::any_of(request.merged.begin(), request.merged.end(), [&](const std::string& merged) {
      return lies_in(value, {merged.c_str(), merged.size() + 1});
    });
  };
  std::set<std::string_view> names;
  for (const Variable& variable : request.variables) {
    const std::string name = quote(variable.name);
    if (!names.insert(variable.name).second) return name + " is there twice";
    if (!lies_in(variable.name, head)) return name + " lies outside the head";
    if (!lies_in(variable.value, head) && !is_merged(variable.value)) return name + "'s value lies outside the head";
    if (variable.value.find('\0') != std::string_view::npos) return name + "'s value holds a NUL";
    if (request.find(variable.name) != &variable) return name + " cannot be found";
  }
  for (const char* needed : {"CONTENT_LENGTH", "SCGI"}) {
    if (!names.contains(needed)) return fmt::format("{} is missing", needed);
  }
  if (request.variables.size() > limits.variables) return "there are too many variables";
  if (request.content_length > limits.body) return "the body is too large";
  return {};
}

}  // namespace forklift::protocol
