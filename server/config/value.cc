#include "config/value.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <climits>

#include "base/quote.h"
#include "config/paths.h"

namespace forklift::config {

namespace {

std::string_view describe(Node::Kind kind) {
  switch (kind) {
    case Node::Kind::kNull: return "nothing";
    case Node::Kind::kScalar: return "a single value";
    case Node::Kind::kList: return "a list";
    case Node::Kind::kMap: break;
  }
  return "a map";
}

void read_key(Reading& reading, const Node& node, std::string_view parent) {
  const Key* key = find_key(parent, node.name);
  if (!key) return reading.complain(node.name_mark, explain_unknown(parent, node.name));
  if (!key->supported()) {
    return reading.complain(node.name_mark, fmt::format("key \"{}\" is not supported yet", key->shown()));
  }
  if (reading.app && !reading.listen) reading.app->places.set(key->shown(), reading.position(node.mark));
  Value value(reading, *key, node);
  if (node.kind == Node::Kind::kNull && !key->type.may_be_empty) {
    return value.refuse(key->absent.required ? "has no value" : "has no value; write one or remove the key");
  }
  key->type.read(value);
}

}  // namespace

Settings to_settings(const Node& node, const Reading& reading) {
  Settings settings;
  settings.position = reading.position(node.mark);
  switch (node.kind) {
    case Node::Kind::kNull:
    case Node::Kind::kScalar: settings.kind = Settings::Kind::kScalar; break;
    case Node::Kind::kList: settings.kind = Settings::Kind::kList; break;
    case Node::Kind::kMap: settings.kind = Settings::Kind::kMap; break;
  }
  settings.scalar = node.text;
  settings.children.reserve(node.children.size());
  for (const Node& child : node.children) settings.children.push_back({child.name, to_settings(child, reading)});
  return settings;
}

void read_keys(Reading& reading, const Node& map, std::string_view parent) {
  for (const Node& child : map.children) read_key(reading, child, parent);
  if (reading.partial) return;
  for (const Key& key : all_keys()) {
    if (!key.absent.required || key.parent() != parent) continue;
    if (!find_child(map, key.name())) reading.complain(map.mark, fmt::format("key \"{}\" is missing", key.shown()));
  }
}

std::optional<std::string_view> Value::text() {
  if (node_.kind == Node::Kind::kScalar) return node_.text;
  refuse(fmt::format("must be a single value, not {}", describe(node_.kind)));
  return std::nullopt;
}

bool Value::is(std::string_view word) const {
  const auto words = key_.type.known_words();
  return node_.kind == Node::Kind::kScalar && node_.text == word && std::ranges::find(words, word) != words.end();
}

void Value::section() {
  if (node_.kind == Node::Kind::kMap) return read_keys(reading_, node_, key_.path);
  // That of `defaults` has no rows of its own.
  const auto first = std::ranges::find(all_keys(), key_.path, &Key::parent);
  const std::string example = first == all_keys().end() ? "" : fmt::format("; write {{ {}: ... }}", first->name());
  refuse(fmt::format("must be a map of keys, not {}{}", describe(node_.kind), example));
}

void Value::path(std::string& out) {
  const auto written = text();
  if (!written) return;
  if (written->empty()) return refuse("names no path");
  if (auto shows = check_shows(*written); !shows) return refuse(shows.error().message());
  std::string absolute = resolve(*written, reading_.folder(node_.mark));
  if (absolute.size() >= PATH_MAX) {
    return refuse(
        fmt::format("{} has {} bytes; a path takes at most {}", quote(absolute, 60), absolute.size(), PATH_MAX - 1));
  }
  out = std::move(absolute);
}

void Value::account(std::string& out) {
  const auto written = text();
  if (!written) return;
  if (written->empty()) return refuse("is empty; write a name or a number");
  if (std::ranges::all_of(*written, [](char c) { return c >= '0' && c <= '9'; })) {
    std::uint64_t number = 0;
    count(number);
  }
  out = *written;
}

void Value::octal(unsigned& out) {
  const auto written = text();
  if (!written) return;
  unsigned permissions = 0;
  const char* const end = written->data() + written->size();
  const auto [stop, error] = std::from_chars(written->data(), end, permissions, 8);
  if (error != std::errc() || stop != end || permissions > key_.type.max) {
    return refuse(
        fmt::format("{} is not a {}; write octal digits, {}", quote(*written, 60), key_.name(), key_.type.range()));
  }
  out = permissions;
}

void Value::duration(Duration& out) {
  const auto written = text();
  if (!written) return;
  const auto duration = parse_duration(*written);
  if (!duration) return refuse(duration.error().message());
  if (*duration == Duration::zero() && key_.type.min > 0) return refuse("must be more than 0; it cannot be off");
  out = *duration;
}

std::optional<std::uint64_t> Value::number_within(Parse* parse) {
  const auto written = text();
  if (!written) return std::nullopt;
  const auto number = parse(*written);
  if (!number) {
    refuse(number.error().message());
    return std::nullopt;
  }
  if (*number < key_.type.min || *number > key_.type.max) {
    refuse(fmt::format("{} is out of range; write {}", *written, key_.type.range()));
    return std::nullopt;
  }
  return *number;
}

std::optional<std::size_t> Value::index_of_word() {
  const auto written = text();
  if (!written) return std::nullopt;
  const auto words = key_.type.known_words();
  const auto found = std::ranges::find(words, *written);
  if (found != words.end()) return found - words.begin();
  if (!written->empty() && std::ranges::find(key_.type.later, *written) != key_.type.later.end()) {
    refuse(fmt::format("\"{}\" is not supported yet", *written));
  } else {
    refuse(fmt::format("{} is unknown; write {}", quote(*written, 60), fmt::join(words, ", ")));
  }
  return std::nullopt;
}

void Value::tree(Settings& out) {
  out = to_settings(node_, reading_);
  if (node_.kind == Node::Kind::kNull) out.kind = Settings::Kind::kMap;
}

void Value::refuse_at(const Node& node, std::string_view message) {
  reading_.complain(node.mark, fmt::format("{}: {}", key_.shown(), message));
}

void Value::refuse_name(const Node& node, std::string_view message) {
  reading_.complain(node.name_mark, fmt::format("{}: {}", key_.shown(), message));
}

}  // namespace forklift::config
