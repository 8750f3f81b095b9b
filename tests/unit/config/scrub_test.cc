#include "config/scrub.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace forklift::config {
namespace {

using testing::Each;

std::string_view whole(const std::string& text) {
  return {text.data(), text.capacity()};
}

Settings scalar(const std::string& text) {
  return {.kind = Settings::Kind::kScalar, .scalar = text, .children = {}, .position = {}};
}

TEST(Scrub, settings_and_environment_are_overwritten_short_and_long_ones) {
  App app;
  app.name = "shop";
  const std::string longest(100, 's');
  Settings list{.kind = Settings::Kind::kList, .scalar = {}, .children = {{"", scalar(longest)}}, .position = {}};
  app.settings.children = {{"key", scalar("short")}, {"list", list}};
  app.confinement.environment = {{"TOKEN", "short"}, {"PASSWORD", longest}};
  scrub(app);
  ASSERT_EQ(app.settings.children.size(), 2U);
  EXPECT_THAT(whole(app.settings.children[0].name), Each('\0'));
  EXPECT_THAT(whole(app.settings.children[0].node.scalar), Each('\0'));
  EXPECT_THAT(whole(app.settings.children[1].node.children[0].node.scalar), Each('\0'));
  for (const auto& [name, value] : app.confinement.environment) {
    EXPECT_THAT(whole(name), Each('\0'));
    EXPECT_THAT(whole(value), Each('\0'));
  }
  EXPECT_EQ(app.name, "shop") << "by which logs know it";
}

TEST(Scrub, so_is_what_stood_behind_the_end_of_a_text) {
  App app;
  app.settings.children = {{"", scalar("a secret that was longer once")}};
  std::string& text = app.settings.children[0].node.scalar;
  text.resize(1);
  scrub(app);
  EXPECT_THAT(whole(text), Each('\0'));
}

}  // namespace
}  // namespace forklift::config
