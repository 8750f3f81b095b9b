#include "base/quote.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <iterator>

#include "base/utf8.h"

namespace forklift {

namespace {

void append_byte(std::string& out, char c) {
  switch (c) {
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
    case '\\': out += "\\\\"; return;
    case '"': out += "\\\""; return;
    default: fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<unsigned char>(c));
  }
}

bool is_for_quotes(std::string_view shown) {
  return shown == "\"" || shown == "\\";
}

// Takes the next character, or the next byte that belongs to none, off the front of `bytes`, which is not empty.
// `harmless` says whether it can be shown as it is.
struct Unit {
  std::string_view bytes;
  char32_t code;
  bool harmless;
};
Unit take_unit(std::string_view& bytes) {
  const Utf8 character = first_character(bytes);
  const bool good = character.bytes > 0;
  const Unit unit{bytes.substr(0, good ? character.bytes : 1),
                  good ? character.code : static_cast<unsigned char>(bytes.front()),
                  good && is_harmless(character.code)};
  bytes.remove_prefix(unit.bytes.size());
  return unit;
}

// JSON has numbers of 16 bits: above them, a pair of surrogates.
void append_json_number(std::string& out, char32_t code) {
  const auto append = [&out](std::uint32_t unit) { fmt::format_to(std::back_inserter(out), "\\u{:04x}", unit); };
  if (code < 0x10000) return append(code);
  append(0xd800 + ((code - 0x10000) >> 10));
  append(0xdc00 + ((code - 0x10000) & 0x3ff));
}

}  // namespace

void append_escaped(std::string& out, std::string_view bytes) {
  while (!bytes.empty()) {
    const Unit unit = take_unit(bytes);
    if (unit.harmless && !is_for_quotes(unit.bytes)) {
      out += unit.bytes;
    } else {
      for (const char c : unit.bytes) append_byte(out, c);
    }
  }
}

std::string escape(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  append_escaped(out, bytes);
  return out;
}

std::string escape_controls(std::string_view text, std::size_t bytes_max) {
  std::string out;
  out.reserve(std::min(text.size(), bytes_max));
  while (!text.empty()) {
    const std::size_t before = out.size();
    const Unit unit = take_unit(text);
    if (unit.harmless) {
      out += unit.bytes;
    } else {
      for (const char c : unit.bytes) append_byte(out, c);
    }
    if (out.size() > bytes_max) {
      out.resize(before);
      break;
    }
  }
  return out;
}

void append_json_escaped(std::string& out, std::string_view bytes) {
  while (!bytes.empty()) {
    const Unit unit = take_unit(bytes);
    if (is_for_quotes(unit.bytes)) {
      out += '\\';
      out += unit.bytes;
    } else if (unit.harmless) {
      out += unit.bytes;
    } else {
      append_json_number(out, unit.code);
    }
  }
}

std::string json_escape(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  append_json_escaped(out, bytes);
  return out;
}

std::string quote(std::string_view bytes, std::size_t bytes_max) {
  const std::size_t shown = cut_at_character(bytes, bytes_max);
  return fmt::format("\"{}\"{}", escape(bytes.substr(0, shown)), shown < bytes.size() ? "..." : "");
}

}  // namespace forklift
