#include "config/settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/quote.h"

namespace forklift::config {

namespace {

// One step of a path: `name`, `"quoted name"` or `[index]`.
struct Step {
  bool is_index = false;
  std::string_view name;
  std::size_t index = 0;
};

// Takes the next step off `path`. `first`: no dot stands before a name.
std::optional<Step> take_step(std::string_view& path, bool first) {
  Step step;
  if (path.starts_with('[')) {
    const std::size_t end = path.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view digits = path.substr(1, end - 1);
    const auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), step.index);
    const bool has_leading_zero = digits.size() > 1 && digits[0] == '0';
    if (error != std::errc() || stop != digits.data() + digits.size() || has_leading_zero) return std::nullopt;
    step.is_index = true;
    path.remove_prefix(end + 1);
    return step;
  }
  if (!first) {
    if (!path.starts_with('.')) return std::nullopt;
    path.remove_prefix(1);
  }
  if (path.starts_with('"')) {
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

const Settings* descend(const Settings& node, const Step& step) {
  if (step.is_index) {
    const bool exists = node.kind == Settings::Kind::kList && step.index < node.children.size();
    return exists ? &node.children[step.index].node : nullptr;
  }
  if (node.kind != Settings::Kind::kMap) return nullptr;
  const auto found = std::ranges::find(node.children, step.name, &Settings::Child::name);
  return found == node.children.end() ? nullptr : &found->node;
}

}  // namespace

std::string Position::to_string() const {
  const std::string shown = escape_controls(file);  // a pattern of `include` finds whatever a folder holds
  return line == 0 ? shown : fmt::format("{}:{}:{}", shown, line, column);
}

// Not defaulted: it would have to be behind Child, and there clang 14 crashes on it.
bool Settings::operator==(const Settings& other) const {
  return kind == other.kind && scalar == other.scalar && children == other.children && position == other.position;
}

const Settings* find(const Settings& root, std::string_view path) {
  const Settings* node = &root;
  for (bool first = true; node && !path.empty(); first = false) {
    const auto step = take_step(path, first);
    if (!step) return nullptr;
    node = descend(*node, *step);
  }
  return node;
}

}  // namespace forklift::config
