// forklift/settings.hpp - an app's `settings:` for plugins in C++; part of forklift/plugin.hpp
//
// The tree holds strings as they were written. The functions here turn them into values, and a value that is missing or
// wrong into a SettingError. Thrown from a plugin's constructor, it becomes a line in the log with file, line and
// column.
//
//     settings:                      settings.text("title", "Shop")           // with a default
//       title: Books                 settings.integer("columns")              // without one it is required
//       columns: 3                   settings.duration("cache", 30s)
//       cache: 5m                    settings.only({"title", "columns", "cache", "shelves"});
//       shelves:                     for (const auto& shelf : settings.items("shelves"))
//         - { id: a1, open: yes }      shelf.text("id"), shelf.boolean("open", false)
#ifndef FORKLIFT_SETTINGS_HPP
#define FORKLIFT_SETTINGS_HPP

#include <forklift/plugin.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <forklift/detail/c_text.hpp>
#include <initializer_list>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace forklift {
inline namespace api {

// A setting that is missing or wrong. what() is the whole sentence, `setting "port": must be a whole number, not "x"`.
class SettingError : public std::runtime_error {
 public:
  SettingError(const std::string& path, const std::string& reason)
      : std::runtime_error("setting \"" + path + "\": " + reason), path_(path), reason_(reason) {}

  const char* path() const noexcept { return path_.c_str(); }
  const char* reason() const noexcept { return reason_.c_str(); }

 private:
  std::string path_;
  std::string reason_;
};

// A node of the settings; at first the whole. Paths are relative to it: names joined by dots, items of a list by index
// ("mounts[0].at"), "" for the node itself. Cheap to copy; valid, with all that it returns, as long as the plugin
// lives.
class Settings {
 public:
  explicit Settings(const forklift_settings* raw, std::string path = {}) : raw_(raw), path_(std::move(path)) {}

  // The path of this node from the root, as the log shows it.
  const std::string& path() const { return path_; }

  // FORKLIFT_SETTING_NONE, _TEXT, _LIST or _MAP.
  int kind(std::string_view path = {}) const { return raw_->kind(raw_, detail::CText(join(path)).c_str()); }

  // The text at `path`; nothing if there is no such node. SettingError if it is a list or a map.
  std::optional<std::string_view> get(std::string_view path) const {
    std::size_t size = 0;
    if (const char* text = raw_->get(raw_, detail::CText(join(path)).c_str(), &size))
      return std::string_view(text, size);
    if (kind(path) != FORKLIFT_SETTING_NONE) refuse(path, "must be a single value, not a list or a map");
    return std::nullopt;
  }

  // Each conversion has two forms: with a default for a node that isn't there, and without one, where SettingError says
  // that it is required. What is there and wrong is a SettingError in both.
  std::string_view text(std::string_view path) const { return required(path); }
  std::string_view text(std::string_view path, std::string_view fallback) const { return get(path).value_or(fallback); }

  // A whole number in decimal digits, with a minus sign where it is negative.
  std::int64_t integer(std::string_view path) const { return to_integer(path, required(path)); }
  std::int64_t integer(std::string_view path, std::int64_t fallback) const {
    const auto found = get(path);
    return found ? to_integer(path, *found) : fallback;
  }

  // `true`, `yes`, `on` or `false`, `no`, `off`.
  bool boolean(std::string_view path) const { return to_boolean(path, required(path)); }
  bool boolean(std::string_view path, bool fallback) const {
    const auto found = get(path);
    return found ? to_boolean(path, *found) : fallback;
  }

  // `250ms`, `30s`, `5m`, `1h`, or `0`.
  std::chrono::milliseconds duration(std::string_view path) const { return to_duration(path, required(path)); }
  std::chrono::milliseconds duration(std::string_view path, std::chrono::milliseconds fallback) const {
    const auto found = get(path);
    return found ? to_duration(path, *found) : fallback;
  }

  // A number of bytes: `512`, `64K`, `16M`, `1G` (powers of 1024).
  std::int64_t bytes(std::string_view path) const { return to_bytes(path, required(path)); }
  std::int64_t bytes(std::string_view path, std::int64_t fallback) const {
    const auto found = get(path);
    return found ? to_bytes(path, *found) : fallback;
  }

  // The node at `path`, for looking further from there.
  Settings at(std::string_view path) const { return Settings(raw_, join(path)); }

  // The items of the list at `path`, in order; none if there is no such node. SettingError if it is no list.
  std::vector<Settings> items(std::string_view path) const {
    expect(path, FORKLIFT_SETTING_LIST, "must be a list");
    std::vector<Settings> nodes;
    for (std::size_t i = 0, count = size(path); i < count; ++i)
      nodes.push_back(at(path).at("[" + std::to_string(i) + "]"));
    return nodes;
  }

  // Name and node of each entry of the map at `path`, in the order of the file; none if there is no such node.
  // SettingError if it is no map.
  std::vector<std::pair<std::string_view, Settings>> entries(std::string_view path = {}) const {
    expect(path, FORKLIFT_SETTING_MAP, "must be a map");
    std::vector<std::pair<std::string_view, Settings>> nodes;
    for (std::size_t i = 0, count = size(path); i < count; ++i) {
      const std::string_view name = raw_->name(raw_, detail::CText(join(path)).c_str(), i);
      nodes.emplace_back(name, at(path).at(quoted(name)));
    }
    return nodes;
  }

  // SettingError if this map has a name that is not in `known`: a typing error that would otherwise be a silent
  // default.
  void only(std::initializer_list<std::string_view> known) const {
    for (const auto& [name, node] : entries()) {
      if (std::find(known.begin(), known.end(), name) != known.end()) continue;
      std::string list;
      for (const std::string_view each : known) list.append(list.empty() ? "" : ", ").append(each);
      node.refuse("", "is not a setting of this plugin; it has " + (list.empty() ? "none" : list));
    }
  }

  // Throws the SettingError for `path`: for checks of your own.
  [[noreturn]] void refuse(std::string_view path, const std::string& reason) const {
    throw SettingError(join(path), reason);
  }

 private:
  struct Unit {
    std::string_view name;
    std::int64_t factor;
  };

  std::string join(std::string_view path) const {
    const bool needs_dot = !path_.empty() && !path.empty() && path.front() != '[';
    return std::string(path_).append(needs_dot ? "." : "").append(path);
  }

  static std::string quoted(std::string_view name) {
    const bool plain = !name.empty() && name.find_first_of(".[]\"") == std::string_view::npos;
    const char* quote = plain ? "" : "\"";
    return std::string(quote).append(name).append(quote);
  }

  std::size_t size(std::string_view path) const { return raw_->count(raw_, detail::CText(join(path)).c_str()); }

  void expect(std::string_view path, int wanted, const char* otherwise) const {
    const int found = kind(path);
    if (found != wanted && found != FORKLIFT_SETTING_NONE) refuse(path, otherwise);
  }

  std::string_view required(std::string_view path) const {
    const auto found = get(path);
    if (!found) refuse(path, "is required");
    return *found;
  }

  [[noreturn]] void refuse_value(std::string_view path, const char* wanted, std::string_view text) const {
    refuse(path, std::string("must be ").append(wanted).append(", not \"").append(text).append("\""));
  }

  std::int64_t to_integer(std::string_view path, std::string_view text) const {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) refuse_value(path, "a whole number", text);
    return value;
  }

  bool to_boolean(std::string_view path, std::string_view text) const {
    if (text == "true" || text == "yes" || text == "on") return true;
    if (text == "false" || text == "no" || text == "off") return false;
    refuse_value(path, "true or false", text);
  }

  std::chrono::milliseconds to_duration(std::string_view path, std::string_view text) const {
    if (text == "0") return std::chrono::milliseconds(0);
    return std::chrono::milliseconds(scaled(path, text, {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}},
                                            "a duration such as 250ms, 30s, 5m or 1h"));
  }

  std::int64_t to_bytes(std::string_view path, std::string_view text) const {
    return scaled(path, text, {{"", 1}, {"K", 1 << 10}, {"M", 1 << 20}, {"G", 1 << 30}},
                  "a size such as 512, 64K, 16M or 1G");
  }

  // Digits, then one of the units.
  std::int64_t scaled(std::string_view path, std::string_view text, std::initializer_list<Unit> units,
                      const char* wanted) const {
    const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
    std::int64_t value = 0;
    const bool fits = std::from_chars(text.data(), text.data() + digits, value).ec == std::errc();
    for (const Unit& unit : units) {
      if (fits && text.substr(digits) == unit.name && value <= std::numeric_limits<std::int64_t>::max() / unit.factor) {
        return value * unit.factor;
      }
    }
    refuse_value(path, wanted, text);
  }

  const forklift_settings* raw_;
  std::string path_;
};

}  // namespace api
}  // namespace forklift

#endif  // FORKLIFT_SETTINGS_HPP
