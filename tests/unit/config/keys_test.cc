#include "config/keys.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "config/nearest.h"

namespace forklift::config {

TEST(Keys, AreInTheTableOnce) {
  std::set<std::string_view> paths;
  for (const Key& key : all_keys()) EXPECT_TRUE(paths.insert(key.path).second) << key.path;
}

TEST(Keys, StandBelowAKeyThatIsInTheTableBeforeThem) {
  std::set<std::string> known = {""};
  for (const Key& key : all_keys()) {
    EXPECT_TRUE(known.contains(std::string(key.parent()))) << key.path;
    known.insert(std::string(key.path));
    known.insert(std::string(key.path) + "[]");
  }
}

TEST(Keys, AreNotSupportedWhereTheirSectionIsNot) {
  for (const Key& key : all_keys()) {
    if (!key.supported() || key.parent().empty() || key.parent().ends_with("[]")) continue;
    const std::size_t dot = key.parent().rfind('.');
    const auto parent = dot == std::string_view::npos ? std::string_view() : key.parent().substr(0, dot);
    const Key* section = find_key(parent, key.parent().substr(dot + 1));
    ASSERT_NE(section, nullptr) << key.path;
    EXPECT_TRUE(section->supported()) << key.path;
  }
}

TEST(Keys, AreFoundByPlaceAndName) {
  ASSERT_NE(find_key("", "runtime_dir"), nullptr);
  ASSERT_NE(find_key("apps[].workers", "max"), nullptr);
  EXPECT_EQ(find_key("apps[].workers", "max")->shown(), "workers.max");
  EXPECT_EQ(find_key("apps[].listen[]", "backlog")->shown(), "listen.backlog");
  EXPECT_EQ(find_key("", "log.file"), nullptr);
  EXPECT_EQ(find_key("apps[]", "workers.max"), nullptr);
  EXPECT_EQ(find_key("apps[]", ""), nullptr);
}

TEST(Nearest, IsTheWordWithTheFewestSlips) {
  const std::vector<std::string_view> known = {"name", "workers", "timeouts", "listen", "limits"};
  EXPECT_EQ(nearest("timeout", known), "timeouts");
  EXPECT_EQ(nearest("tiemouts", known), "timeouts");
  EXPECT_EQ(nearest("wrkrs", known), "workers");
  EXPECT_EQ(nearest("listeners", known), "listen");
  EXPECT_EQ(nearest("limit", known), "limits");
  EXPECT_EQ(nearest("nmae", known), "name");
}

TEST(Nearest, IsNothingWhereNothingIsNear) {
  const std::vector<std::string_view> known = {"name", "workers"};
  EXPECT_EQ(nearest("colour", known), "");
  EXPECT_EQ(nearest("", known), "");
  EXPECT_EQ(nearest("x", known), "");
  EXPECT_EQ(nearest(std::string(100'000, 'w'), known), "");
  EXPECT_EQ(nearest("name", {}), "");
}

}  // namespace forklift::config
