// The YAML text as a tree with positions: all that the rest of the folder sees of YAML.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/reader.h"

namespace forklift::config {

// A place in the text, counted from 1. Columns count bytes.
struct Mark {
  int line = 0;
  int column = 0;
  std::size_t source = 0;  // which file, as an index into Reading::sources
};

// One value. No YAML typing: a scalar is the string that was written.
struct Node {
  enum class Kind { kNull, kScalar, kList, kMap };
  Kind kind = Kind::kNull;
  Mark mark;

  std::string name;  // in a map: the key, and where it stands
  Mark name_mark;

  std::string text;            // kScalar
  std::vector<Node> children;  // kList, kMap: in the order of the file, no name twice
};

// What a hostile file may cost. Aliases are unfolded, so the tree is what is bounded and not only the text.
inline constexpr std::size_t kFileBytesMax = 1024 * 1024;
inline constexpr std::size_t kNodesMax = 100'000;
inline constexpr std::size_t kTextBytesMax = 4 * kFileBytesMax;
inline constexpr std::size_t kDepthMax = 64;

// What a tree takes.
struct Cost {
  std::size_t nodes = 0;
  std::size_t text_bytes = 0;
  std::size_t depth = 0;
};

Cost cost_of(const Node& node);

// The value of the key `name` of a map; nullptr where there is none.
const Node* find_child(const Node& map, std::string_view name);

// Reads the one document in `text`, whose positions name `file`. What is wrong with the YAML itself is added to
// `findings`; where the reading cannot go on (a syntax error, a bound, no document, a second one), there is no tree.
std::optional<Node> parse_document(std::string_view text, const std::string& file, Findings& findings);

}  // namespace forklift::config
