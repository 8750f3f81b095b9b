// forklift/testing/text.hpp - texts as the server treats and shows them; part of forklift/testing.hpp
#ifndef FORKLIFT_TESTING_TEXT_HPP
#define FORKLIFT_TESTING_TEXT_HPP

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace forklift {
namespace testing {

// Names or paths, each with a text; in an order that counts.
using Texts = std::vector<std::pair<std::string, std::string>>;

namespace detail {

// Without a locale: in Turkish, "TITLE" and "title" differ.
inline char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
inline char upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

// Whether two names of headers are the same.
inline bool same_name(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

inline bool starts_with(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}

// Digits and nothing else; what is too large becomes the largest number.
inline std::optional<std::uint64_t> parse_digits(std::string_view text) {
  std::uint64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, value);
  if (result.ptr != end || result.ec == std::errc::invalid_argument) return std::nullopt;
  return result.ec == std::errc() ? value : std::numeric_limits<std::uint64_t>::max();
}

// The first character of `text`, in UTF-8, and its size; 0 bytes where there is none.
struct Character {
  char32_t code;
  std::size_t bytes;
};
inline Character first_character(std::string_view text) {
  if (text.empty()) return {0, 0};
  const auto first = static_cast<unsigned char>(text[0]);
  if (first < 0x80) return {first, 1};
  const std::size_t bytes = first < 0xc2 ? 0U : first < 0xe0 ? 2U : first < 0xf0 ? 3U : first < 0xf5 ? 4U : 0U;
  if (bytes == 0 || text.size() < bytes) return {0, 0};
  char32_t code = first & (0x7fU >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) {
    const auto next = static_cast<unsigned char>(text[i]);
    if ((next & 0xc0U) != 0x80U) return {0, 0};
    code = code << 6U | (next & 0x3fU);
  }
  const bool overlong = (bytes == 3 && code < 0x800) || (bytes == 4 && code < 0x10000);
  const bool surrogate = code >= 0xd800 && code <= 0xdfff;
  if (overlong || surrogate || code > 0x10ffff) return {0, 0};
  return {code, bytes};
}

// Whether the log shows it as it is: no control character, and nothing that nobody sees or that turns the direction of
// text.
inline bool is_harmless(char32_t code) {
  if (code < 0x7f) return code >= 0x20;
  static constexpr char32_t kHidden[][2] = {
      {0x7f, 0x9f},     {0xad, 0xad},       {0x34f, 0x34f},     {0x61c, 0x61c},     {0x115f, 0x1160},
      {0x17b4, 0x17b5}, {0x180b, 0x180f},   {0x200b, 0x200f},   {0x2028, 0x202e},   {0x2060, 0x206f},
      {0x3164, 0x3164}, {0xfdd0, 0xfdef},   {0xfe00, 0xfe0f},   {0xfeff, 0xfeff},   {0xffa0, 0xffa0},
      {0xfff0, 0xfff8}, {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a}, {0xe0000, 0xe0fff},
  };
  for (const auto& range : kHidden) {
    if (code >= range[0] && code <= range[1]) return false;
  }
  return (code & 0xfffeU) != 0xfffeU;
}

inline void append_escaped_byte(std::string& out, char c) {
  static constexpr char kDigits[] = "0123456789abcdef";
  switch (c) {
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
    case '\\': out += "\\\\"; return;
    case '"': out += "\\\""; return;
    default: break;
  }
  const auto byte = static_cast<unsigned char>(c);
  out += "\\x";
  out += kDigits[byte >> 4U];
  out += kDigits[byte & 15U];
}

// `text` with escapes for what could end a line or drive a terminal; with `quotes` also for quotes and backslashes. At
// most `bytes_max` bytes come out, without a cut in a character or an escape.
inline std::string escape(std::string_view text, bool quotes, std::size_t bytes_max = std::string_view::npos) {
  std::string out;
  while (!text.empty()) {
    const std::size_t before = out.size();
    const Character character = first_character(text);
    const std::string_view unit = text.substr(0, character.bytes > 0 ? character.bytes : 1);
    const bool quoted = quotes && (unit == "\"" || unit == "\\");
    if (character.bytes > 0 && is_harmless(character.code) && !quoted) {
      out += unit;
    } else {
      for (const char c : unit) append_escaped_byte(out, c);
    }
    if (out.size() > bytes_max) {
      out.resize(before);
      break;
    }
    text.remove_prefix(unit.size());
  }
  return out;
}

// Where to cut `text` so that at most `bytes_max` bytes stay and no character is split.
inline std::size_t cut_at_character(std::string_view text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return text.size();
  for (std::size_t back = 1; back <= std::min<std::size_t>(3, bytes_max); ++back) {
    if (first_character(text.substr(bytes_max - back)).bytes > back) return bytes_max - back;
  }
  return bytes_max;
}

// In quotes, and cut short.
inline std::string quote(std::string_view bytes, std::size_t bytes_max = 200) {
  const std::size_t shown = cut_at_character(bytes, bytes_max);
  return "\"" + escape(bytes.substr(0, shown), true) + "\"" + (shown < bytes.size() ? "..." : "");
}

// A plugin's text as one line of the log. NULL is an empty one.
inline std::string line_of(const char* text, std::size_t bytes_max) {
  if (text == nullptr) return {};
  std::string_view line(text, ::strnlen(text, bytes_max));
  if (!line.empty() && line.back() == '\n') line.remove_suffix(1);
  return escape(line, false, bytes_max);
}

// A copy in memory of its own, exactly as large as it has to be, so that AddressSanitizer sees who reads behind it or
// keeps a pointer to it.
class OwnText {
 public:
  explicit OwnText(std::string_view text) : bytes_(new char[text.size() + 1]), size_(text.size()) {
    if (!text.empty()) std::memcpy(bytes_, text.data(), text.size());
    bytes_[size_] = '\0';
  }
  OwnText(OwnText&& other) noexcept : bytes_(std::exchange(other.bytes_, nullptr)), size_(other.size_) {}
  OwnText& operator=(OwnText&&) = delete;
  ~OwnText() { delete[] bytes_; }

  const char* c_str() const { return bytes_; }
  std::size_t size() const { return size_; }

 private:
  char* bytes_;
  std::size_t size_;
};

}  // namespace detail
}  // namespace testing
}  // namespace forklift

#endif  // FORKLIFT_TESTING_TEXT_HPP
