// forklift/testing/head.hpp - the head of a response, checked as the server checks it; part of forklift/testing.hpp
#ifndef FORKLIFT_TESTING_HEAD_HPP
#define FORKLIFT_TESTING_HEAD_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <forklift/testing/text.hpp>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace forklift {
namespace testing {
namespace detail {

struct Head {
  int status = 200;
  std::string phrase;  // empty: the standard one
  Texts headers;       // without Status
  std::optional<std::uint64_t> content_length;
};

// The checks return what is wrong, in the server's words; an empty text where nothing is.
inline std::string shown(std::string_view text) {
  return quote(text, 80);
}

inline bool has_control_character(std::string_view value) {
  return std::any_of(value.begin(), value.end(),
                     [](char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f; });
}

inline bool is_token(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    const char l = lower(c);
    return (l >= 'a' && l <= 'z') || (c >= '0' && c <= '9') ||
           (c != '\0' && std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos);
  });
}

inline std::optional<std::uint64_t> declared_length(const Head& head) {
  for (const auto& each : head.headers) {
    if (same_name(each.first, "Content-Length")) return parse_digits(each.second);
  }
  return std::nullopt;
}

inline constexpr std::size_t kHeadersMax = 200;

inline std::string too_many_headers(std::size_t count) {
  return "the response has " + std::to_string(count) + " headers: more than 200";
}

inline std::string problem_of(const Head& head) {
  const std::string status = std::to_string(head.status);
  if (head.status < 200 || head.status > 599) return "the status is " + status + ": expected 200 to 599";
  if (has_control_character(head.phrase)) {
    return "the status " + status + " has a control character in its phrase: " + shown(head.phrase);
  }
  if (head.headers.size() > kHeadersMax) return too_many_headers(head.headers.size());
  bool has_length = false;
  for (const auto& [name, value] : head.headers) {
    if (!is_token(name)) {
      return "a header has the name " + shown(name) + ": expected letters, digits and !#$%&'*+-.^_`|~";
    }
    if (has_control_character(value)) {
      return "the header " + name + " has a control character in its value: " + shown(value);
    }
    if (same_name(name, "Status")) return "the status is given twice: " + status + " and as a header";
    if (same_name(name, "Transfer-Encoding") || same_name(name, "Connection")) {
      return "the header " + name + " is the front server's to send and not a plugin's";
    }
    if (!same_name(name, "Content-Length")) continue;
    if (has_length) return "the response has a second Content-Length: " + shown(value);
    has_length = true;
    const std::optional<std::uint64_t> length = parse_digits(value);
    if (!length || *length == std::numeric_limits<std::uint64_t>::max()) {
      return "Content-Length is " + shown(value) + ": expected digits, less than 2^64";
    }
  }
  return {};
}

// Where a header block ends: behind its blank line; npos while it has none.
inline std::size_t find_block_end(std::string_view bytes, std::size_t from = 0) {
  if (starts_with(bytes, "\n")) return 1;
  if (starts_with(bytes, "\r\n")) return 2;
  std::size_t lf = bytes.find('\n', from > 2 ? from - 2 : 0);
  for (; lf != bytes.npos; lf = bytes.find('\n', lf + 1)) {
    const std::string_view next = bytes.substr(lf + 1, 2);
    if (starts_with(next, "\n")) return lf + 2;
    if (next == "\r\n") return lf + 3;
  }
  return bytes.npos;
}

inline std::string_view take_line(std::string_view& block) {
  const std::size_t lf = block.find('\n');
  std::string_view line = block.substr(0, lf);
  block.remove_prefix(lf + 1);
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return line;
}

inline std::string_view trim(std::string_view value) {
  value.remove_prefix(std::min(value.find_first_not_of(" \t"), value.size()));
  value.remove_suffix(value.size() - (value.find_last_not_of(" \t") + 1));
  return value;
}

inline bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

// `404` or `404 Not Found`
inline std::string parse_status(std::string_view value, Head& head) {
  const std::string_view digits = value.substr(0, 3);
  const std::string_view rest = value.substr(digits.size());
  const std::optional<std::uint64_t> status = parse_digits(digits);
  if (digits.size() != 3 || !status || !(rest.empty() || rest.front() == ' ')) {
    return "Status is " + shown(value) + ": expected three digits, or three digits, a blank and a phrase";
  }
  head.status = static_cast<int>(*status);
  head.phrase = trim(rest);
  return {};
}

// Fills in `head`, which is a fresh one, from a whole block.
inline std::string parse_block(std::string_view block, Head& head) {
  if (starts_with(block, "HTTP/")) {
    return "the response begins with an HTTP status line: " + shown(take_line(block)) +
           "; only a non-parsed-header (NPH) program, which writes to the client by itself, does so: begin with "
           "\"Status:\" instead";
  }
  bool has_status = false;
  bool has_location = false;
  std::size_t number = 1;
  for (std::string_view line = take_line(block); !line.empty(); line = take_line(block), ++number) {
    const std::string where = "header line " + std::to_string(number) + " ";
    if (is_blank(line.front())) {
      return where + "begins with white space, and folded lines are not accepted: " + shown(line);
    }
    const std::size_t colon = line.find(':');
    if (colon == line.npos) return where + "has no colon: " + shown(line);
    const std::string_view name = line.substr(0, colon);
    const std::string_view value = trim(line.substr(colon + 1));
    if (name.empty()) return where + "has no name in front of its colon: " + shown(line);
    if (is_blank(name.back())) return where + "has white space in front of its colon: " + shown(line);
    if (same_name(name, "Connection")) continue;
    if (same_name(name, "Status")) {
      if (has_status) return "the response has a second Status: " + shown(value);
      has_status = true;
      if (std::string problem = parse_status(value, head); !problem.empty()) return problem;
      continue;
    }
    if (head.headers.size() == kHeadersMax) return "the response has more than 200 headers";
    if (same_name(name, "Location")) has_location = true;
    head.headers.emplace_back(name, value);
  }
  if (number == 1) return "the response begins with a blank line: it has no headers";
  if (has_location && !has_status) head.status = 302;
  head.content_length = declared_length(head);
  return problem_of(head);
}

inline bool forbids_body(std::string_view method, int status) {
  return method == "HEAD" || status == 204 || status == 304;
}

}  // namespace detail
}  // namespace testing
}  // namespace forklift

#endif  // FORKLIFT_TESTING_HEAD_HPP
