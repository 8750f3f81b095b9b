#include "protocol/response_head.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <limits>
#include <utility>

#include "base/quote.h"
#include "protocol/characters.h"
#include "protocol/digits.h"

namespace forklift::protocol {
namespace {

constexpr std::size_t kShownOfHead = 80;
constexpr std::string_view kBlanks = " \t";

template <typename... Args>
tl::unexpected<std::string> refuse(fmt::format_string<Args...> format, Args&&... args) {
  return tl::unexpected(fmt::format(format, std::forward<Args>(args)...));
}

// Without a locale: in Turkish, "TITLE" and "title" differ.
char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool same_name(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

bool has_control_character(std::string_view value) {
  return std::ranges::any_of(value, [](char c) { return is_control(c) && c != '\t'; });
}

// The line in front of the next LF or CRLF, taken off `block`, which has one.
std::string_view take_line(std::string_view& block) {
  const std::size_t lf = block.find('\n');
  std::string_view line = block.substr(0, lf);
  block.remove_prefix(lf + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

std::string_view trim(std::string_view value) {
  value.remove_prefix(std::min(value.find_first_not_of(kBlanks), value.size()));
  value.remove_suffix(value.size() - (value.find_last_not_of(kBlanks) + 1));
  return value;
}

struct Header {
  std::string_view name;
  std::string_view value;
};

tl::expected<Header, std::string> parse_line(std::string_view line, std::size_t number) {
  const auto shown = [line] { return quote(line, kShownOfHead); };
  if (kBlanks.find(line.front()) != kBlanks.npos) {
    return refuse("header line {} begins with white space, and folded lines are not accepted: {}", number, shown());
  }
  const std::size_t colon = line.find(':');
  if (colon == line.npos) return refuse("header line {} has no colon: {}", number, shown());
  const std::string_view name = line.substr(0, colon);
  if (name.empty()) return refuse("header line {} has no name in front of its colon: {}", number, shown());
  if (kBlanks.find(name.back()) != kBlanks.npos) {
    return refuse("header line {} has white space in front of its colon: {}", number, shown());
  }
  return Header{name, trim(line.substr(colon + 1))};
}

// `404` or `404 Not Found`
tl::expected<void, std::string> parse_status(std::string_view value, ResponseHead& head) {
  constexpr std::size_t kDigits = 3;
  const std::string_view digits = value.substr(0, kDigits);
  const std::string_view rest = value.substr(digits.size());
  const std::optional<std::uint64_t> status = parse_digits(digits);
  if (digits.size() != kDigits || !status || !(rest.empty() || rest.front() == ' ')) {
    return refuse("Status is {}: expected three digits, or three digits, a blank and a phrase",
                  quote(value, kShownOfHead));
  }
  head.status = static_cast<int>(*status);
  head.reason = trim(rest);
  return {};
}

}  // namespace

std::size_t find_block_end(std::string_view bytes, std::size_t from) {
  if (bytes.starts_with('\n')) return 1;
  if (bytes.starts_with("\r\n")) return 2;
  // An LF before `from - 2` was seen together with the two bytes that decide about it.
  std::size_t lf = bytes.find('\n', from > 2 ? from - 2 : 0);
  for (; lf != bytes.npos; lf = bytes.find('\n', lf + 1)) {
    const std::string_view next = bytes.substr(lf + 1, 2);
    if (next.starts_with('\n')) return lf + 2;
    if (next == "\r\n") return lf + 3;
  }
  return bytes.npos;
}

tl::expected<ResponseHead, std::string> parse_cgi_head(std::string_view block) {
  if (find_block_end(block) != block.size()) {
    return refuse("the response has no blank line behind its headers: {}", quote(block, kShownOfHead));
  }
  if (block.starts_with("HTTP/")) {
    return refuse(
        "the response begins with an HTTP status line: {}; only a non-parsed-header (NPH) program, which "
        "writes to the client by itself, does so: begin with \"Status:\" instead",
        quote(take_line(block), kShownOfHead));
  }

  ResponseHead head;
  bool has_status = false;
  bool has_location = false;
  std::size_t number = 1;
  for (std::string_view line = take_line(block); !line.empty(); line = take_line(block), ++number) {
    const tl::expected<Header, std::string> header = parse_line(line, number);
    if (!header) return tl::unexpected(header.error());
    if (same_name(header->name, "Connection")) continue;
    if (same_name(header->name, "Status")) {
      if (has_status) return refuse("the response has a second Status: {}", quote(header->value, kShownOfHead));
      has_status = true;
      const tl::expected<void, std::string> parsed = parse_status(header->value, head);
      if (!parsed) return tl::unexpected(parsed.error());
      continue;
    }
    if (head.headers.size() == kMaxResponseHeaders) {
      return refuse("the response has more than {} headers", kMaxResponseHeaders);
    }
    if (same_name(header->name, "Location")) has_location = true;
    head.headers.emplace_back(header->name, header->value);
  }
  if (number == 1) return refuse("the response begins with a blank line: it has no headers");
  if (has_location && !has_status) head.status = 302;
  head.content_length = declared_length(head);

  return check(head).map([&] { return std::move(head); });
}

tl::expected<void, std::string> check(const ResponseHead& head) {
  if (head.status < 200 || head.status > 599) return refuse("the status is {}: expected 200 to 599", head.status);
  if (has_control_character(head.reason)) {
    return refuse("the status {} has a control character in its phrase: {}", head.status,
                  quote(head.reason, kShownOfHead));
  }
  if (head.headers.size() > kMaxResponseHeaders) {
    return refuse("the response has {} headers: more than {}", head.headers.size(), kMaxResponseHeaders);
  }
  bool has_length = false;
  for (const auto& [name, value] : head.headers) {
    if (!is_token(name)) {
      return refuse("a header has the name {}: expected letters, digits and !#$%&'*+-.^_`|~",
                    quote(name, kShownOfHead));
    }
    if (has_control_character(value)) {
      return refuse("the header {} has a control character in its value: {}", name, quote(value, kShownOfHead));
    }
    if (same_name(name, "Status")) return refuse("the status is given twice: {} and as a header", head.status);
    if (same_name(name, "Transfer-Encoding") || same_name(name, "Connection")) {
      return refuse("the header {} is the front server's to send and not a plugin's", name);
    }
    if (!same_name(name, "Content-Length")) continue;
    if (has_length) return refuse("the response has a second Content-Length: {}", quote(value, kShownOfHead));
    has_length = true;
    const std::optional<std::uint64_t> length = parse_digits(value);
    if (!length || *length == std::numeric_limits<std::uint64_t>::max()) {
      return refuse("Content-Length is {}: expected digits, less than 2^64", quote(value, kShownOfHead));
    }
    if (head.content_length && head.content_length != length) {
      return refuse("Content-Length is {}, but the response's length was given as {}", value, *head.content_length);
    }
  }
  return {};
}

std::optional<std::uint64_t> declared_length(const ResponseHead& head) {
  for (const auto& [name, value] : head.headers) {
    if (same_name(name, "Content-Length")) return parse_digits(value);
  }
  return std::nullopt;
}

void remove_length(ResponseHead& head) {
  std::erase_if(head.headers, [](const auto& header) { return same_name(header.first, "Content-Length"); });
  head.content_length.reset();
}

bool forbids_body(std::string_view method, int status) {
  return method == "HEAD" || status == 204 || status == 304;
}

void write_scgi_head(const ResponseHead& head, std::string& out) {
  const std::string_view phrase = head.reason.empty() ? reason_phrase(head.status) : head.reason;
  fmt::format_to(std::back_inserter(out), "Status: {} {}\r\n", head.status, phrase);
  for (const auto& [name, value] : head.headers) out.append(name).append(": ").append(value).append("\r\n");
  out.append("\r\n");
}

}  // namespace forklift::protocol
