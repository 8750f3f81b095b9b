// forklift/testing/settings.hpp - an app's `settings:`, built in a test; part of forklift/testing.hpp
#ifndef FORKLIFT_TESTING_SETTINGS_HPP
#define FORKLIFT_TESTING_SETTINGS_HPP

#include <forklift/plugin.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <forklift/testing/text.hpp>
#include <initializer_list>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace forklift {
namespace testing {

// A tree of texts, as YAML would give it. Paths are those of forklift_settings: names joined by dots, items of a list
// by index, names that hold a dot or a bracket in quotes. Maps keep the order in which their names were set.
//
//     Settings().set("title", "Books").set("shelves[0].id", "a1").set("hosts.\"example.org\"", "/srv").list("empty")
//
// A test that sets what no file could say (a list that begins at [1], a text that is a map as well) gets
// std::invalid_argument.
class Settings {
 public:
  Settings() = default;
  Settings(std::initializer_list<Texts::value_type> texts) : Settings(Texts(texts)) {}
  explicit Settings(const Texts& texts) {
    for (const auto& each : texts) set(each.first, each.second);
  }

  Settings& set(std::string_view path, std::string_view text) {
    Node& node = make(path, FORKLIFT_SETTING_TEXT);
    node.text = text;
    return *this;
  }
  // `path=value`, as on a command line. The value begins behind the first `=` that is not in quotes.
  Settings& set(std::string_view assignment) {
    bool quoted = false;
    for (std::size_t i = 0; i < assignment.size(); ++i) {
      if (assignment[i] == '"') quoted = !quoted;
      if (assignment[i] == '=' && !quoted) return set(assignment.substr(0, i), assignment.substr(i + 1));
    }
    throw std::invalid_argument("a setting is path=value, and not " + detail::quote(assignment));
  }
  // A list or a map that may stay empty.
  Settings& list(std::string_view path) { return make(path, FORKLIFT_SETTING_LIST), *this; }
  Settings& map(std::string_view path) { return make(path, FORKLIFT_SETTING_MAP), *this; }

 private:
  friend class SettingsTable;

  struct Node {
    int kind = FORKLIFT_SETTING_NONE;  // until it is known
    std::string name;                  // in its map
    std::string text;
    std::vector<Node> children;
  };
  struct Step {
    bool is_index = false;
    std::string_view name;
    std::size_t index = 0;
  };

  static std::optional<Step> take_step(std::string_view& path, bool first) {
    Step step;
    if (detail::starts_with(path, "[")) {
      const std::size_t end = path.find(']');
      if (end == std::string_view::npos) return std::nullopt;
      const std::string_view digits = path.substr(1, end - 1);
      const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), step.index);
      const bool has_leading_zero = digits.size() > 1 && digits[0] == '0';
      if (result.ec != std::errc() || result.ptr != digits.data() + digits.size() || has_leading_zero) {
        return std::nullopt;
      }
      step.is_index = true;
      path.remove_prefix(end + 1);
      return step;
    }
    if (!first) {
      if (!detail::starts_with(path, ".")) return std::nullopt;
      path.remove_prefix(1);
    }
    if (detail::starts_with(path, "\"")) {
      const std::size_t end = path.find('"', 1);
      if (end == std::string_view::npos) return std::nullopt;
      step.name = path.substr(1, end - 1);
      path.remove_prefix(end + 1);
      return step;
    }
    step.name = path.substr(0, path.find_first_of(".[]\""));
    if (step.name.empty()) return std::nullopt;
    path.remove_prefix(step.name.size());
    return step;
  }

  // Const or not, as `nodes` is. nullptr where there is none.
  template <class Nodes>
  static auto child(Nodes& nodes, const Step& step) -> decltype(nodes.data()) {
    if (step.is_index) return step.index < nodes.size() ? &nodes[step.index] : nullptr;
    const auto found = std::find_if(nodes.begin(), nodes.end(), [&](const Node& n) { return n.name == step.name; });
    return found == nodes.end() ? nullptr : &*found;
  }

  const Node* find(std::string_view path) const {
    const Node* node = &root_;
    for (bool first = true; node != nullptr && !path.empty(); first = false) {
      const std::optional<Step> step = take_step(path, first);
      if (!step || node->kind != (step->is_index ? FORKLIFT_SETTING_LIST : FORKLIFT_SETTING_MAP)) return nullptr;
      node = child(node->children, *step);
    }
    return node;
  }

  Node& make(std::string_view path, int kind) {
    const auto wrong = [path](const char* why) {
      return std::invalid_argument("the setting " + detail::quote(path) + " " + why);
    };
    Node* node = &root_;
    std::string_view rest = path;
    for (bool first = true; !rest.empty(); first = false) {
      const std::optional<Step> step = take_step(rest, first);
      if (!step) throw wrong("has a path that is none");
      const int parent = step->is_index ? FORKLIFT_SETTING_LIST : FORKLIFT_SETTING_MAP;
      // The root is a map until somebody makes it something else.
      const bool is_open = node->kind == FORKLIFT_SETTING_NONE || (node == &root_ && root_.children.empty());
      if (is_open) node->kind = parent;
      if (node->kind != parent) throw wrong("is at odds with one that was set before");
      Node* next = child(node->children, *step);
      if (next == nullptr) {
        if (step->is_index && step->index != node->children.size()) throw wrong("leaves a gap in its list");
        node->children.emplace_back();
        next = &node->children.back();
        next->name = step->name;
      }
      node = next;
    }
    const bool is_open = node->kind == FORKLIFT_SETTING_NONE || (node == &root_ && root_.children.empty());
    if (!is_open && node->kind != kind) throw wrong("is at odds with one that was set before");
    node->kind = kind;
    return *node;
  }

  static Node empty_map() {
    Node node;
    node.kind = FORKLIFT_SETTING_MAP;
    return node;
  }

  Node root_ = empty_map();
};

// The table that a plugin gets of them; also for tests of a part of a plugin:
//
//     const SettingsTable table({{"title", "Books"}});
//     const forklift::Settings settings(&table);
class SettingsTable : public forklift_settings {
 public:
  explicit SettingsTable(Settings settings = Settings())
      : forklift_settings{FORKLIFT_VERSION_OF(forklift_settings), do_kind, do_get, do_count, do_name},
        settings_(std::move(settings)) {}
  SettingsTable(std::initializer_list<Texts::value_type> texts) : SettingsTable(Settings(texts)) {}
  SettingsTable(const SettingsTable&) = delete;
  SettingsTable& operator=(const SettingsTable&) = delete;

 private:
  static const Settings::Node* find(const forklift_settings* table, const char* path) {
    if (table == nullptr || path == nullptr) return nullptr;
    return static_cast<const SettingsTable*>(table)->settings_.find(path);
  }
  static int do_kind(const forklift_settings* table, const char* path) {
    const Settings::Node* node = find(table, path);
    return node == nullptr ? FORKLIFT_SETTING_NONE : node->kind;
  }
  static const char* do_get(const forklift_settings* table, const char* path, std::size_t* size) {
    const Settings::Node* node = find(table, path);
    const bool is_text = node != nullptr && node->kind == FORKLIFT_SETTING_TEXT;
    if (size != nullptr) *size = is_text ? node->text.size() : 0;
    return is_text ? node->text.c_str() : nullptr;
  }
  static std::size_t do_count(const forklift_settings* table, const char* path) {
    const Settings::Node* node = find(table, path);
    return node == nullptr ? 0 : node->children.size();
  }
  static const char* do_name(const forklift_settings* table, const char* path, std::size_t index) {
    const Settings::Node* node = find(table, path);
    if (node == nullptr || node->kind != FORKLIFT_SETTING_MAP || index >= node->children.size()) return nullptr;
    return node->children[index].name.c_str();
  }

  const Settings settings_;
};

}  // namespace testing
}  // namespace forklift

#endif  // FORKLIFT_TESTING_SETTINGS_HPP
