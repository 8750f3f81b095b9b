#include "config/settings_path.h"

#include <algorithm>
#include <charconv>
#include <string>

namespace forklift::config {

namespace {

// The same with a node that is made where there is none.
Result<Settings*> descend_or_make(Settings& node, const PathStep& step) {
  using Kind = Settings::Kind;
  const bool is_new = node.children.empty() && (node.kind != Kind::kScalar || node.scalar.empty());
  if (is_new) node.kind = step.is_index ? Kind::kList : Kind::kMap;
  if (node.kind != (step.is_index ? Kind::kList : Kind::kMap)) {
    return fail("{} is wanted where {} stands", step.is_index ? "a list" : "a map",
                node.kind == Kind::kScalar ? "a text" : (step.is_index ? "a map" : "a list"));
  }
  if (const Settings* there = descend(node, step)) return const_cast<Settings*>(there);
  if (step.is_index && step.index != node.children.size()) {
    return fail("the next item of the list is [{}], not [{}]", node.children.size(), step.index);
  }
  node.children.push_back({std::string(step.name), {}});
  return &node.children.back().node;
}

}  // namespace

std::optional<PathStep> take_step(std::string_view& path, bool first) {
  PathStep step;
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

const Settings* descend(const Settings& node, const PathStep& step) {
  if (step.is_index) {
    const bool exists = node.kind == Settings::Kind::kList && step.index < node.children.size();
    return exists ? &node.children[step.index].node : nullptr;
  }
  if (node.kind != Settings::Kind::kMap) return nullptr;
  const auto found = std::ranges::find(node.children, step.name, &Settings::Child::name);
  return found == node.children.end() ? nullptr : &found->node;
}

Result<void> set(Settings& root, std::string_view path, std::string_view text) {
  if (path.empty()) return fail("no path");
  Settings* node = &root;
  for (bool first = true; !path.empty(); first = false) {
    const auto step = take_step(path, first);
    if (!step) return fail("no path: names joined by dots, [0], names in double quotes");
    auto next = descend_or_make(*node, *step);
    if (!next) return Failure(next.error());
    node = *next;
  }
  if (!node->children.empty()) {
    return fail("{} stands there", node->kind == Settings::Kind::kMap ? "a map" : "a list");
  }
  node->kind = Settings::Kind::kScalar;
  node->scalar = text;
  node->position = {};
  return {};
}

}  // namespace forklift::config
