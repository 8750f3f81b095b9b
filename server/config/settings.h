// A plugin's settings: a tree of strings as they were written, each with its place in the file.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace forklift::config {

// A place in a configuration file, counted from 1. `line` 0 is "nowhere".
struct Position {
  std::string file;
  int line = 0;
  int column = 0;

  // `conf/app.yaml:12:5`
  std::string to_string() const;

  bool operator==(const Position&) const = default;
};

// One node. No YAML typing: `010`, `yes` and `1.0` stay the strings that they are; `~`, `null` and an
// empty value are "".
struct Settings {
  enum class Kind { kScalar, kList, kMap };
  struct Child;
  Kind kind = Kind::kMap;
  std::string scalar;           // kScalar
  std::vector<Child> children;  // kList: the names are empty; kMap: in the order of the file
  Position position;

  bool operator==(const Settings&) const;
};

// Not a std::pair, which could not hold what is not complete yet.
struct Settings::Child {
  std::string name;
  Settings node;

  bool operator==(const Child&) const = default;
};

// The node at `path`: names joined by dots, list items by index (`mounts[0].at`); a name that holds a dot or a bracket
// is written in quotes (`hosts."example.org".root`). The empty path is the root. nullptr if there is none or `path` is
// malformed. The result lives as long as `root`.
const Settings* find(const Settings& root, std::string_view path);

}  // namespace forklift::config
