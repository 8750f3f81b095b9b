// Numbers as the protocols write them.
#pragma once

#include <charconv>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>
#include <system_error>

namespace forklift::protocol {

// The value of a run of ASCII digits; nothing where there is anything else (a sign, a blank, an x) or no digit at all.
// What is too large for 64 bits becomes the largest value, so that it is above every limit.
inline std::optional<std::uint64_t> parse_digits(std::string_view text) {
  std::uint64_t value = 0;
  const char* const text_end = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), text_end, value);
  if (end != text_end || error == std::errc::invalid_argument) return std::nullopt;
  return error == std::errc() ? value : std::numeric_limits<std::uint64_t>::max();
}

}  // namespace forklift::protocol
