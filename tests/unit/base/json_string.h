// Reads JSON strings as strictly as RFC 8259 has them, for tests of what we write.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace forklift {

// The bytes behind the inside of a JSON string that escapes each byte by itself; nothing where it is not valid JSON or
// holds anything but ASCII.
inline std::optional<std::string> decode_json_string(std::string_view text) {
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"' || c < 0x20 || c > 0x7e) return std::nullopt;
    if (c != '\\') {
      bytes += c;
      continue;
    }
    if (++i == text.size()) return std::nullopt;
    constexpr std::string_view kShort = "\"\\/bfnrt";
    constexpr std::string_view kMeant = "\"\\/\b\f\n\r\t";
    if (const std::size_t at = kShort.find(text[i]); at != kShort.npos) {
      bytes += kMeant[at];
      continue;
    }
    const std::string digits(text.substr(i + 1, 4));
    const bool is_hex = digits.find_first_not_of("0123456789abcdefABCDEF") == digits.npos;
    if (text[i] != 'u' || digits.size() != 4 || !is_hex) return std::nullopt;
    const unsigned long code = std::stoul(digits, nullptr, 16);
    if (code > 0xff) return std::nullopt;
    bytes += static_cast<char>(code);
    i += 4;
  }
  return bytes;
}

}  // namespace forklift
