#include "config/keys.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

#include "base/quote.h"
#include "config/nearest.h"
#include "config/units.h"

namespace forklift::config {

namespace {

std::string show(std::string_view path) {
  constexpr std::string_view kApp = "apps[].";
  if (path.starts_with(kApp)) path.remove_prefix(kApp.size());
  std::string shown(path);
  for (std::size_t at = 0; (at = shown.find("[]", at)) != std::string::npos;) shown.erase(at, 2);
  return shown;
}

// The supported keys of the same name in other places, for somebody whose indentation has slipped.
std::string explain_place(std::string_view name) {
  std::vector<std::string> places;
  for (const Key& key : all_keys()) {
    if (key.name() != name || !key.supported()) continue;
    places.push_back(key.parent().empty() ? "at the top" : fmt::format("in \"{}\"", show(key.parent())));
  }
  return fmt::format("{}", fmt::join(places, " or "));
}

}  // namespace

std::string_view Key::parent() const {
  const std::size_t dot = path.rfind('.');
  return dot == std::string_view::npos ? std::string_view() : path.substr(0, dot);
}

std::string_view Key::name() const {
  return path.substr(path.rfind('.') + 1);
}

std::string Key::shown() const {
  return show(path);
}

std::span<const std::string_view> Type::known_words() const {
  const auto end = std::ranges::find(words, std::string_view());
  return {words.begin(), end};
}

std::string Type::range() const {
  if (max == kUnbounded) return "";
  switch (kind) {
    case Kind::kSize: return fmt::format("{} to {}", format_size(min), format_size(max));
    case Kind::kPercent: return fmt::format("{}% to {}%", min, max);
    case Kind::kOctal: return fmt::format("000 to {:o}", max);
    default: return fmt::format("{} to {}", min, max);
  }
}

const Key* find_key(std::string_view parent, std::string_view name) {
  const auto keys = all_keys();
  const auto found =
      std::ranges::find_if(keys, [&](const Key& key) { return key.name() == name && key.parent() == parent; });
  return found == keys.end() ? nullptr : &*found;
}

std::string explain_unknown(std::string_view parent, std::string_view name) {
  const std::string unknown = fmt::format("unknown key {}", quote(name, 60));
  if (const std::string place = explain_place(name); !place.empty())
    return fmt::format("{}; it belongs {}", unknown, place);

  std::vector<std::string_view> known;
  std::vector<std::string_view> supported;
  for (const Key& key : all_keys()) {
    if (key.parent() != parent) continue;
    known.push_back(key.name());
    if (key.supported()) supported.push_back(key.name());
  }
  if (const auto near = nearest(name, known); !near.empty())
    return fmt::format("{}; did you mean \"{}\"?", unknown, near);
  return fmt::format("{}; known here: {}", unknown, fmt::join(supported, ", "));
}

}  // namespace forklift::config
