// The paths of settings: `mounts[0].at`, `hosts."example.org".root`.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "base/result.h"
#include "config/settings.h"

namespace forklift::config {

// One step of a path: `name`, `"quoted name"` or `[index]`.
struct PathStep {
  bool is_index = false;
  std::string_view name;
  std::size_t index = 0;
};

// Takes the next step off `path`, which is not empty; nothing where none begins there. `first`: no dot stands before a
// name.
std::optional<PathStep> take_step(std::string_view& path, bool first);

// The node that the step leads to; nullptr if there is none.
const Settings* descend(const Settings& node, const PathStep& step);

// Makes the node at `path` this text, and the maps and lists that lead to it where there are none; a new item of a list
// is the one behind its last. The error says what is in the way; `root` may have new, empty nodes then.
Result<void> set(Settings& root, std::string_view path, std::string_view text);

}  // namespace forklift::config
