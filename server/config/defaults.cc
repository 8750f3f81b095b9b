#include "config/defaults.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <map>

#include "config/value.h"

namespace forklift::config {

namespace {

// What no two apps have in common.
constexpr std::array<std::string_view, 3> kOwnKeys = {"name", "plugin", "listen"};

bool is_default(const Node& child) {
  return may_be_default(child.name);
}

// The children of a map by their names: each may have tens of thousands, and to look through all of them for each one
// of the other's would hold the master for seconds.
std::map<std::string_view, const Node*> index(const Node& map) {
  std::map<std::string_view, const Node*> by_name;
  for (const Node& child : map.children) by_name.emplace(child.name, &child);
  return by_name;
}

// The defaults come first, in their order, so that the variables of an environment keep theirs.
Node merge(const Node& defaults, const Node& own) {
  auto remaining = index(own);
  Node merged = own;
  merged.children.clear();
  for (const Node& standard : defaults.children) {
    const auto entry = remaining.extract(standard.name);
    const Node* replacement = entry ? entry.mapped() : nullptr;
    const bool both_maps = replacement && replacement->kind == Node::Kind::kMap && standard.kind == Node::Kind::kMap;
    merged.children.push_back(both_maps ? merge(standard, *replacement) : replacement ? *replacement : standard);
  }
  std::ranges::copy_if(own.children, std::back_inserter(merged.children),
                       [&](const Node& child) { return remaining.contains(child.name); });
  return merged;
}

Node usable_part(const Node& defaults) {
  Node part = defaults;
  std::erase_if(part.children, [](const Node& child) { return !is_default(child); });
  return part;
}

// Whether one app more can have them: a large file may name thousands.
bool afford(Reading& reading) {
  const Cost cost = cost_of(*reading.defaults);
  reading.merged_nodes += cost.nodes;
  reading.merged_bytes += cost.text_bytes;
  if (reading.merged_nodes <= kNodesMax && reading.merged_bytes <= kTextBytesMax) return true;
  reading.complain(
      reading.defaults->mark,
      fmt::format("defaults: in all apps together they are more than {} values or {} bytes", kNodesMax, kTextBytesMax));
  return false;
}

}  // namespace

bool may_be_default(std::string_view name) {
  return std::ranges::find(kOwnKeys, name) == kOwnKeys.end();
}

void read_defaults(Value& value) {
  if (value.node().kind != Node::Kind::kMap) return value.section();
  for (const Node& child : value.node().children) {
    if (!is_default(child)) {
      value.refuse_name(child, fmt::format("\"{}\" is no default; write it in each app", child.name));
    }
  }
  Reading& reading = value.reading();
  App nobody;
  reading.app = &nobody;
  reading.partial = true;
  read_keys(reading, usable_part(value.node()), "apps[]");
  reading.partial = false;
  reading.app = nullptr;
}

Node with_defaults(Reading& reading, const Node& item) {
  if (!reading.defaults || !afford(reading)) return item;
  return merge(usable_part(*reading.defaults), item);
}

}  // namespace forklift::config
