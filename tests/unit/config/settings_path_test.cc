#include "config/settings_path.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/settings_file.h"
#include "folder.h"

namespace forklift::config {
namespace {

using testing::HasSubstr;

std::string error(Settings& root, std::string_view path) {
  const auto set = config::set(root, path, "x");
  return set ? "taken" : set.error().message();
}

TEST(SetOfSettings, makes_what_leads_to_a_text_and_find_finds_it) {
  Settings root;
  for (const auto& [path, text] : {std::pair{"greeting", "Salut"},
                                   {"mounts[0].at", "/x"},
                                   {"mounts[0].root", "/srv"},
                                   {"mounts[1].at", "/y"},
                                   {"hosts.\"example.org\".ports[0]", "80"},
                                   {"empty", ""},
                                   {"greeting", "Hola"}}) {
    const auto done = set(root, path, text);
    ASSERT_TRUE(done) << path << ": " << done.error().message();
    ASSERT_NE(find(root, path), nullptr) << path;
    EXPECT_EQ(find(root, path)->scalar, text);
  }
  EXPECT_EQ(find(root, "mounts")->kind, Settings::Kind::kList);
  EXPECT_EQ(find(root, "mounts")->children.size(), 2U);
  EXPECT_EQ(root.children.size(), 4U);
}

TEST(SetOfSettings, says_what_is_in_the_way) {
  Settings root;
  ASSERT_TRUE(set(root, "a.b", "1"));
  ASSERT_TRUE(set(root, "list[0]", "1"));
  EXPECT_EQ(error(root, "a[0]"), "a list is wanted where a map stands");
  EXPECT_EQ(error(root, "a.b.c"), "a map is wanted where a text stands");
  EXPECT_EQ(error(root, "list.x"), "a map is wanted where a list stands");
  EXPECT_EQ(error(root, "a"), "a map stands there");
  EXPECT_EQ(error(root, "list"), "a list stands there");
  EXPECT_EQ(error(root, "list[2]"), "the next item of the list is [1], not [2]");
  for (const char* path : {"", ".a", "a..b", "a[", "a[x]", "a[01]", "\"open", "a.", "]"}) {
    EXPECT_THAT(error(root, path), HasSubstr("no path")) << path;
  }
}

class SettingsFile : public testing::Test {
 protected:
  Folder folder_;
};

TEST_F(SettingsFile, is_the_tree_below_settings) {
  const std::string file = folder_.write("s.yaml", "greeting: 010\nmounts:\n- {at: /x}\n");
  const auto settings = read_settings(file);
  ASSERT_TRUE(settings) << settings.error().front().to_string();
  EXPECT_EQ(find(*settings, "greeting")->scalar, "010");
  EXPECT_EQ(find(*settings, "mounts[0].at")->scalar, "/x");
  EXPECT_EQ(find(*settings, "mounts[0].at")->position.to_string(), file + ":3:8");
}

TEST_F(SettingsFile, may_be_empty) {
  for (const char* text : {"", "\n", "# nothing\n  # here"}) {
    const auto settings = read_settings(folder_.write("s.yaml", text));
    ASSERT_TRUE(settings) << settings.error().front().to_string();
    EXPECT_EQ(settings->kind, Settings::Kind::kMap);
    EXPECT_TRUE(settings->children.empty());
  }
}

TEST_F(SettingsFile, that_is_wrong_is_told_with_its_place) {
  const auto wrong = read_settings(folder_.write("s.yaml", "a: 1\na: 2\n"));
  ASSERT_FALSE(wrong);
  EXPECT_THAT(wrong.error().front().to_string(), HasSubstr("s.yaml:2:1: duplicate key \"a\""));
  EXPECT_THAT(read_settings("/nowhere.yaml").error().front().to_string(), HasSubstr("/nowhere.yaml: cannot be opened"));
}

}  // namespace
}  // namespace forklift::config
