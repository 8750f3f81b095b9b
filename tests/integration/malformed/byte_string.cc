#include "malformed/byte_string.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <stdexcept>

namespace harness {
namespace {

// The number that `text` begins with, taken off it.
std::size_t take_number(std::string_view& text, int base) {
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (error != std::errc()) throw std::runtime_error(fmt::format("expected a number: {}", text));
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

// What stands between the quotes, with its escapes.
std::string_view take_quoted(std::string_view& text) {
  if (!text.starts_with('"')) throw std::runtime_error(fmt::format("expected \": {}", text));
  std::size_t end = 1;
  while (end < text.size() && text[end] != '"') end += text[end] == '\\' ? 2 : 1;
  if (end >= text.size()) throw std::runtime_error(fmt::format("a \" is not closed: {}", text));
  const std::string_view inside = text.substr(1, end - 1);
  text.remove_prefix(end + 1);
  return inside;
}

std::string unescape(std::string_view text, std::size_t repetition) {
  std::string bytes;
  while (!text.empty()) {
    const char c = text.front();
    text.remove_prefix(1);
    if (c != '\\') {
      bytes += c;
      continue;
    }
    const char escape = text.front();  // there is one: the closing quote is not escaped
    text.remove_prefix(1);
    switch (escape) {
      case '0': bytes += '\0'; break;
      case 'n': bytes += '\n'; break;
      case 'r': bytes += '\r'; break;
      case 't': bytes += '\t'; break;
      case '"': bytes += '"'; break;
      case '\\': bytes += '\\'; break;
      case 'i': bytes += std::to_string(repetition); break;
      case 'x': {
        std::string_view digits = text.substr(0, 2);
        text.remove_prefix(digits.size());
        bytes += static_cast<char>(take_number(digits, 16));
        break;
      }
      default: throw std::runtime_error(fmt::format("unknown escape: \\{}", escape));
    }
  }
  return bytes;
}

void skip_blanks(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
}

}  // namespace

std::string read_byte_string(std::string_view text) {
  std::string bytes;
  for (skip_blanks(text); !text.empty(); skip_blanks(text)) {
    const std::string_view quoted = take_quoted(text);
    std::size_t times = 1;
    if (text.starts_with('*')) {
      text.remove_prefix(1);
      times = take_number(text, 10);
    }
    for (std::size_t i = 0; i < times; ++i) bytes += unescape(quoted, i);
  }
  return bytes;
}

}  // namespace harness
