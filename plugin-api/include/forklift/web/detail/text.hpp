// Part of forklift/web.hpp: the alphabets and the small grammar that HTTP's and MIME's headers share.
#ifndef FORKLIFT_WEB_DETAIL_TEXT_HPP
#define FORKLIFT_WEB_DETAIL_TEXT_HPP

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace forklift {
inline namespace api {
namespace web {
namespace detail {

// ASCII only, whatever the locale is: a header's bytes are no text of the worker's language.
inline bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
inline bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
inline bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}
inline bool is_blank(char c) {
  return c == ' ' || c == '\t';
}
inline char to_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

inline bool is_one_of(char c, std::string_view set) {
  return set.find(c) != set.npos;
}

// The size of the UTF-8 sequence that `text` begins with (RFC 3629), 1 to 4; 0 if there is none.
inline std::size_t utf8_sequence(std::string_view text) {
  const auto byte = [text](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < size) return 0;
  for (std::size_t at = 1; at < size; ++at) {
    if ((byte(at) & 0xc0U) != 0x80) return 0;
  }
  const unsigned second = byte(1);
  const bool is_overlong = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
  const bool is_surrogate = first == 0xed && second > 0x9f;
  const bool is_beyond = first == 0xf4 && second > 0x8f;
  return is_overlong || is_surrogate || is_beyond ? 0 : size;
}

// RFC 9110, 5.6.2.
inline bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return is_letter(c) || is_digit(c) || is_one_of(c, "!#$%&'*+-.^_`|~");
  });
}

inline bool same_without_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char left, char right) { return to_lower(left) == to_lower(right); });
}

inline std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

// What stands before `separator`, which is taken off `rest` with it; all of it where there is none.
inline std::string_view take_until(std::string_view& rest, char separator) {
  const std::size_t end = std::min(rest.find(separator), rest.size());
  const std::string_view taken = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return taken;
}

// A header's value with parameters, as Content-Type and Content-Disposition have them (RFC 9110, 5.6.6):
//
//     form-data; name="a"; filename="b.txt"
struct Parameterized {
  std::string value;                                            // in lower case
  std::vector<std::pair<std::string, std::string>> parameters;  // names in lower case, none of them twice

  const std::string* find(std::string_view name) const {
    for (const auto& [each, text] : parameters) {
      if (each == name) return &text;
    }
    return nullptr;
  }
};

inline std::string lowered(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(), to_lower);
  return result;
}

// Takes a quoted string off `rest`, which begins behind its first quote. Only \" and \\ are escapes: RFC 9110 would
// take any byte behind a backslash, but old browsers send whole paths, C:\new\page.txt, and mean each backslash. Nor is
// the last quote escaped: a browser escapes no backslash (it writes a quote as %22), and "notes\" is a file's name.
// False if the quote has no end.
inline bool take_quoted(std::string_view& rest, std::string& text) {
  for (std::size_t at = 0; at < rest.size(); ++at) {
    if (rest[at] == '"') return rest.remove_prefix(at + 1), true;
    const bool is_escape = rest[at] == '\\' && at + 1 < rest.size() &&
                           (rest[at + 1] == '\\' || (rest[at + 1] == '"' && rest.find('"', at + 2) != rest.npos));
    if (is_escape) ++at;
    text.push_back(rest[at]);
  }
  return false;
}

// Nothing if it is malformed, or if a parameter comes twice: two readers would choose different ones. An unquoted value
// may have any printable bytes but `;` and `"`: boundaries with a `=` or `/` in them are sent without quotes.
inline std::optional<Parameterized> parse_parameterized(std::string_view header) {
  Parameterized result;
  result.value = lowered(trimmed(take_until(header, ';')));
  if (result.value.empty()) return std::nullopt;
  while (!(header = trimmed(header)).empty()) {
    const std::size_t equals = header.find('=');
    if (equals == header.npos) return std::nullopt;
    const std::string name = lowered(header.substr(0, equals));
    if (!is_token(name) || result.find(name) != nullptr) return std::nullopt;
    header.remove_prefix(equals + 1);
    std::string text;
    if (!header.empty() && header.front() == '"') {
      header.remove_prefix(1);
      if (!take_quoted(header, text)) return std::nullopt;
      if (!trimmed(take_until(header, ';')).empty()) return std::nullopt;
    } else {
      text = trimmed(take_until(header, ';'));
      if (text.empty() || text.find_first_of(" \t\"") != text.npos) return std::nullopt;
    }
    result.parameters.emplace_back(name, std::move(text));
  }
  return result;
}

}  // namespace detail
}  // namespace web
}  // namespace api
}  // namespace forklift

#endif  // FORKLIFT_WEB_DETAIL_TEXT_HPP
