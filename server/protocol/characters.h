// What may stand in the words of a request and a response.
#pragma once

#include <algorithm>
#include <string_view>

namespace forklift::protocol {

// ASCII's, a tab and a line break among them.
inline bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte == 0x7f;
}

// A method, or the name of a header (RFC 9110, 5.6.2).
inline bool is_token(std::string_view text) {
  static constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || kMarks.find(c) != kMarks.npos;
  });
}

}  // namespace forklift::protocol
