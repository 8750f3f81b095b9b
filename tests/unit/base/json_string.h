// Reads JSON strings as strictly as RFC 8259 has them, for tests of what we write.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/utf8.h"

namespace forklift {

// The bytes behind the inside of a JSON string in which `\\u00ff` means a byte and UTF-8 stands as it is; nothing where
// it is not valid JSON, or holds another number.
inline std::optional<std::string> decode_json_string(std::string_view text) {
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const Utf8 character = first_character(text.substr(i));
    if (c == '"' || character.bytes == 0 || !is_harmless(character.code)) return std::nullopt;
    if (character.bytes > 1) {
      bytes += text.substr(i, character.bytes);
      i += character.bytes - 1;
      continue;
    }
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
