#include "config/access_format.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/quote.h"

namespace forklift::config {

namespace {

constexpr std::string_view kCombined =
    R"($remote_addr - $remote_user [$clf_time] "$method $uri $protocol" $status $bytes "$referer" "$user_agent")";

// In the order of the enumeration.
constexpr std::array<std::string_view, 17> kNames = {
    "time",     "clf_time", "app",   "generation", "pid",        "remote_addr", "remote_user", "method",      "uri",
    "protocol", "status",   "bytes", "referer",    "user_agent", "ending",      "seconds",     "wait_seconds"};

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || c == '_';
}

bool ends_a_line(char c) {
  return c == '\n' || c == '\r';
}

// Takes `name` or `{name}` off the front of `text`, which stood behind a dollar sign.
Result<std::string_view> take_name(std::string_view& text) {
  const bool braced = text.starts_with('{');
  if (braced) text.remove_prefix(1);
  const auto end = static_cast<std::size_t>(std::ranges::find_if_not(text, is_name_character) - text.begin());
  const std::string_view name = text.substr(0, end);
  text.remove_prefix(end);
  if (braced && !text.starts_with('}')) return fail("\"${{\" without \"}}\"");
  if (braced) text.remove_prefix(1);
  if (name.empty()) return fail("\"$\" without a name; \"$$\" is a dollar sign");
  return name;
}

Result<AccessField> find_field(std::string_view name) {
  const auto found = std::ranges::find(kNames, name);
  if (found != kNames.end()) return static_cast<AccessField>(found - kNames.begin());
  return fail("unknown field {}; there are {}", quote(name, 60), fmt::join(kNames, ", "));
}

}  // namespace

std::string_view to_string(AccessField field) {
  return kNames.at(static_cast<std::size_t>(field));
}

Result<AccessFormat> AccessFormat::parse(std::string_view text) {
  if (text == "combined") return combined();
  AccessFormat format;
  if (text == "json") {
    format.json = true;
    return format;
  }
  if (std::ranges::any_of(text, ends_a_line)) return fail("holds a line break; a request is one line");
  std::string literal;
  while (!text.empty()) {
    const char c = text.front();
    text.remove_prefix(1);
    if (c != '$') {
      literal += c;
    } else if (text.starts_with('$')) {
      literal += '$';
      text.remove_prefix(1);
    } else {
      const auto name = take_name(text);
      if (!name) return Failure(name.error());
      const auto field = find_field(*name);
      if (!field) return Failure(field.error());
      format.pieces.push_back({std::exchange(literal, {}), true, *field});
    }
  }
  if (!literal.empty()) format.pieces.push_back({std::move(literal)});
  if (std::ranges::none_of(format.pieces, &AccessPiece::has_field)) {
    return fail("names no field; write combined, json, or a text with fields such as $status");
  }
  return format;
}

std::string AccessFormat::to_string() const {
  if (json) return "json";
  if (*this == combined()) return "combined";
  std::string text;
  for (const AccessPiece& piece : pieces) {
    for (const char c : piece.text) text += c == '$' ? "$$" : std::string(1, c);
    if (piece.has_field) text += fmt::format("${{{}}}", config::to_string(piece.field));
  }
  return text;
}

AccessFormat AccessFormat::combined() {
  return *parse(kCombined);
}

}  // namespace forklift::config
