// The configurations that the documents show.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <string_view>

#include "config/document.h"
#include "reading.h"

namespace forklift::config {

// A file of this repository.
inline std::string source_file(const std::string& name) {
  std::ifstream file(SOURCE_DIR "/" + name);
  EXPECT_TRUE(file) << name;
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// "All that the YAML file can say today."
inline std::string readme_configuration() {
  const std::string readme = source_file("README.md");
  const std::size_t promise = readme.find("All that the YAML file can say today");
  EXPECT_NE(promise, std::string::npos);
  constexpr std::string_view kOpen = "```yaml\n";
  const std::size_t begin = readme.find(kOpen, promise) + kOpen.size();
  return readme.substr(begin, readme.find("```", begin) - begin);
}

inline void collect_paths(const Node& node, const std::string& path, std::set<std::string>& paths) {
  paths.insert(path);
  for (const Node& child : node.children) {
    if (node.kind == Node::Kind::kList) {
      collect_paths(child, path + "[]", paths);
    } else {
      collect_paths(child, path.empty() ? child.name : path + "." + child.name, paths);
    }
  }
}

// All keys that stand in a configuration, as the table names them.
inline std::set<std::string> key_paths(std::string_view yaml) {
  Findings findings;
  std::set<std::string> paths;
  const auto document = parse_document(yaml, "shown.yaml", findings);
  EXPECT_TRUE(document) << show(findings);
  if (document) collect_paths(*document, "", paths);
  return paths;
}

}  // namespace forklift::config
