#include "config/settings.h"

#include <fmt/format.h>

#include "base/quote.h"
#include "config/settings_path.h"

namespace forklift::config {

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
