// README.md shows "all that the YAML file can say today". This holds it to that.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <string_view>

#include "config/document.h"
#include "config/keys.h"
#include "reading.h"

namespace forklift::config {

namespace {

std::string shown_configuration() {
  std::ifstream file(SOURCE_DIR "/README.md");
  const std::string readme{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const std::size_t promise = readme.find("All that the YAML file can say today");
  EXPECT_NE(promise, std::string::npos);
  constexpr std::string_view kOpen = "```yaml\n";
  const std::size_t begin = readme.find(kOpen, promise) + kOpen.size();
  return readme.substr(begin, readme.find("```", begin) - begin);
}

void collect(const Node& node, const std::string& path, std::set<std::string>& paths) {
  paths.insert(path);
  for (const Node& child : node.children) {
    if (node.kind == Node::Kind::kList) {
      collect(child, path + "[]", paths);
    } else {
      collect(child, path.empty() ? child.name : path + "." + child.name, paths);
    }
  }
}

}  // namespace

TEST(Readme, ShowsAConfigurationThatIsRight) {
  EXPECT_EQ(verdict(shown_configuration()), "fine");
}

TEST(Readme, ShowsEveryKeyThatIsSupported) {
  Findings findings;
  const auto document = parse_document(shown_configuration(), "README.md", findings);
  ASSERT_TRUE(document) << show(findings);
  std::set<std::string> paths;
  collect(*document, "", paths);
  for (const Key& key : all_keys()) {
    EXPECT_TRUE(!key.supported() || paths.contains(std::string(key.path))) << key.path;
  }
}

}  // namespace forklift::config
