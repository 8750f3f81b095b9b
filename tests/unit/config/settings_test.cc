#include "config/settings.h"

#include <gtest/gtest.h>

#include <string>

#include "reading.h"

namespace forklift::config {

namespace {

Settings settings_of(std::string_view yaml) {
  return good(app_with("settings:" + std::string(yaml)), "app.yaml").apps.at(0).settings;
}

std::string at(const Settings& root, std::string_view path) {
  const Settings* node = find(root, path);
  return node ? node->scalar : "(none)";
}

}  // namespace

class SettingsPaths : public testing::Test {
 protected:
  const Settings root = settings_of(R"(
      greeting: Hello
      mounts:
        - { at: /, from: /srv }
        - { at: /icons, from: [ a, b ] }
      hosts:
        example.org: { root: /www }
        "": { root: /none }
        "a[0]": bracket
      empty: ~
)");
};

TEST_F(SettingsPaths, FindByNameAndIndex) {
  EXPECT_EQ(at(root, "greeting"), "Hello");
  EXPECT_EQ(at(root, "mounts[0].at"), "/");
  EXPECT_EQ(at(root, "mounts[1].from[1]"), "b");
  EXPECT_EQ(find(root, ""), &root);
}

TEST_F(SettingsPaths, TakeNamesInQuotes) {
  EXPECT_EQ(at(root, "hosts.\"example.org\".root"), "/www");
  EXPECT_EQ(at(root, "hosts.\"\".root"), "/none");
  EXPECT_EQ(at(root, "hosts.\"a[0]\""), "bracket");
  EXPECT_EQ(at(root, "\"greeting\""), "Hello");
}

TEST_F(SettingsPaths, FindNothingWhereNothingIs) {
  for (const char* path : {"missing", "greeting.x", "greeting[0]", "mounts.at", "mounts[2]", "mounts[0].x", "hosts[0]",
                           "hosts.example.org", "mounts[99999999999999999999]"}) {
    EXPECT_EQ(find(root, path), nullptr) << path;
  }
}

TEST_F(SettingsPaths, RefuseMalformedPaths) {
  for (const char* path :
       {".", ".greeting", "greeting.", "mounts..at", "mounts[", "mounts[]", "mounts[0", "mounts[-1]", "mounts[ 0]",
        "mounts[00]", "mounts[0]at", "mounts.[0]", "mounts]", "\"greeting", "hosts\"example.org\"", "\"greeting\"x"}) {
    EXPECT_EQ(find(root, path), nullptr) << path;
  }
}

TEST_F(SettingsPaths, KnowTheirPlaceInTheFile) {
  EXPECT_EQ(find(root, "greeting")->position.to_string(), "app.yaml:6:17");
  EXPECT_EQ(find(root, "mounts[1].from[1]")->position.to_string(), "app.yaml:9:36");
  EXPECT_EQ(root.position.to_string(), "app.yaml:6:7");
}

TEST_F(SettingsPaths, TakeNothingForAnEmptyText) {
  const Settings* empty = find(root, "empty");
  ASSERT_NE(empty, nullptr);
  EXPECT_EQ(empty->kind, Settings::Kind::kScalar);
  EXPECT_EQ(empty->scalar, "");
}

TEST(Settings, KeepTheOrderOfTheFile) {
  const Settings root = settings_of(" {z: 1, a: 2, m: 3}");
  std::string names;
  for (const auto& [name, child] : root.children) names += name;
  EXPECT_EQ(names, "zam");
}

TEST(Settings, MayBeAnyTree) {
  EXPECT_EQ(settings_of("").kind, Settings::Kind::kMap);
  EXPECT_EQ(settings_of(" text").scalar, "text");
  EXPECT_EQ(at(settings_of(" [a, [b, c]]"), "[1][0]"), "b");
}

TEST(Settings, UnfoldAliases) {
  const Settings root = settings_of(" {a: &x {k: v}, b: *x, c: [*x]}");
  EXPECT_EQ(at(root, "b.k"), "v");
  EXPECT_EQ(at(root, "c[0].k"), "v");
  EXPECT_EQ(find(root, "b.k")->position.to_string(), "app.yaml:5:26");
}

TEST(Positions, NameOnlyTheFileWhereThereIsNoPlace) {
  EXPECT_EQ((Position{"conf/app.yaml", 12, 5}.to_string()), "conf/app.yaml:12:5");
  EXPECT_EQ((Position{"conf/app.yaml", 0, 0}.to_string()), "conf/app.yaml");
}

}  // namespace forklift::config
