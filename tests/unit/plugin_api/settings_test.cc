// forklift/settings.hpp: strings as they were written become values, or errors that name the place.
#include <gmock/gmock.h>

#include <forklift/settings.hpp>
#include <forklift/testing.hpp>
#include <functional>
#include <string>
#include <vector>

namespace {

using namespace std::chrono_literals;
using forklift::SettingError;
using testing::ElementsAre;
using testing::HasSubstr;

std::string why(const std::function<void()>& action) {
  try {
    action();
    return "no error";
  } catch (const SettingError& error) {
    return std::string(error.path()) + " " + error.reason();
  }
}

TEST(Settings, GivesTextAsItWasWritten) {
  const forklift::testing::SettingsTable raw({{"id", "010"}, {"empty", ""}, {"map.a", "1"}});
  const forklift::Settings settings(&raw);
  EXPECT_EQ(settings.text("id"), "010");
  EXPECT_EQ(settings.text("empty", "default"), "");
  EXPECT_EQ(settings.text("none", "default"), "default");
  EXPECT_EQ(settings.get("none"), std::nullopt);
  EXPECT_EQ(why([&] { settings.text("none"); }), "none is required");
  EXPECT_EQ(why([&] { settings.get("map"); }), "map must be a single value, not a list or a map");
}

TEST(Settings, ReadsWholeNumbers) {
  const forklift::testing::SettingsTable raw({{"n", "-42"},
                                              {"zero", "010"},
                                              {"half", "1.5"},
                                              {"word", "ten"},
                                              {"empty", ""},
                                              {"plus", "+1"},
                                              {"big", "9223372036854775808"},
                                              {"space", "1 "}});
  const forklift::Settings settings(&raw);
  EXPECT_EQ(settings.integer("n"), -42);
  EXPECT_EQ(settings.integer("zero"), 10);
  EXPECT_EQ(settings.integer("none", 7), 7);
  EXPECT_EQ(why([&] { settings.integer("none"); }), "none is required");
  for (const char* bad : {"half", "word", "empty", "plus", "big", "space"}) {
    EXPECT_THAT(why([&] { settings.integer(bad, 7); }), HasSubstr("must be a whole number, not \"")) << bad;
  }
}

TEST(Settings, ReadsTruthInSixWords) {
  const forklift::testing::SettingsTable raw(
      {{"a", "true"}, {"b", "yes"}, {"c", "on"}, {"d", "false"}, {"e", "no"}, {"f", "off"}, {"g", "1"}});
  const forklift::Settings settings(&raw);
  for (const char* yes : {"a", "b", "c"}) EXPECT_TRUE(settings.boolean(yes)) << yes;
  for (const char* no : {"d", "e", "f"}) EXPECT_FALSE(settings.boolean(no, true)) << no;
  EXPECT_TRUE(settings.boolean("none", true));
  EXPECT_EQ(why([&] { settings.boolean("g"); }), "g must be true or false, not \"1\"");
}

TEST(Settings, ReadsDurationsWithTheirUnit) {
  const forklift::testing::SettingsTable raw({{"a", "250ms"},
                                              {"b", "30s"},
                                              {"c", "5m"},
                                              {"d", "1h"},
                                              {"zero", "0"},
                                              {"bare", "30"},
                                              {"minus", "-1s"},
                                              {"unit", "s"},
                                              {"day", "1d"},
                                              {"big", "9223372036854775807h"},
                                              {"bigger", "92233720368547758070s"}});
  const forklift::Settings settings(&raw);
  EXPECT_EQ(settings.duration("a"), 250ms);
  EXPECT_EQ(settings.duration("b"), 30s);
  EXPECT_EQ(settings.duration("c"), 5min);
  EXPECT_EQ(settings.duration("d"), 1h);
  EXPECT_EQ(settings.duration("zero"), 0ms);
  EXPECT_EQ(settings.duration("none", 2s), 2s);
  for (const char* bad : {"bare", "minus", "unit", "day", "big", "bigger"}) {
    EXPECT_THAT(why([&] { settings.duration(bad, 2s); }), HasSubstr("must be a duration such as")) << bad;
  }
}

TEST(Settings, ReadsSizesInPowersOf1024) {
  const forklift::testing::SettingsTable raw({{"a", "512"},
                                              {"b", "64K"},
                                              {"c", "16M"},
                                              {"d", "1G"},
                                              {"small", "64k"},
                                              {"minus", "-1"},
                                              {"unit", "K"},
                                              {"big", "9223372036854775807K"}});
  const forklift::Settings settings(&raw);
  EXPECT_EQ(settings.bytes("a"), 512);
  EXPECT_EQ(settings.bytes("b"), 64 * 1024);
  EXPECT_EQ(settings.bytes("c"), 16 * 1024 * 1024);
  EXPECT_EQ(settings.bytes("d"), 1024 * 1024 * 1024);
  EXPECT_EQ(settings.bytes("none", 9), 9);
  for (const char* bad : {"small", "minus", "unit", "big"}) {
    EXPECT_THAT(why([&] { settings.bytes(bad, 9); }), HasSubstr("must be a size such as")) << bad;
  }
}

TEST(Settings, WalksListsOfMaps) {
  const forklift::testing::SettingsTable raw(
      {{"shelves[0].id", "a1"}, {"shelves[0].open", "yes"}, {"shelves[1].id", "b2"}, {"one", "x"}});
  const forklift::Settings settings(&raw);
  std::vector<std::string> seen;
  for (const auto& shelf : settings.items("shelves")) {
    seen.push_back(shelf.path() + " " + std::string(shelf.text("id")) + (shelf.boolean("open", false) ? " open" : ""));
  }
  EXPECT_THAT(seen, ElementsAre("shelves[0] a1 open", "shelves[1] b2"));
  EXPECT_TRUE(settings.items("none").empty());
  EXPECT_EQ(why([&] { settings.items("one"); }), "one must be a list");
  EXPECT_EQ(why([&] { settings.items("shelves")[1].boolean("open"); }), "shelves[1].open is required");
}

TEST(Settings, WalksMapsWithNamesThatNeedQuotes) {
  const forklift::testing::SettingsTable raw(
      {{"hosts.\"example.org\".root", "/srv"}, {"hosts.localhost.root", "/tmp"}});
  const forklift::Settings settings(&raw);
  std::vector<std::string> seen;
  for (const auto& [name, node] : settings.entries("hosts")) {
    seen.push_back(std::string(name) + " " + node.path() + " " + std::string(node.text("root")));
  }
  EXPECT_THAT(seen, ElementsAre("example.org hosts.\"example.org\" /srv", "localhost hosts.localhost /tmp"));
  EXPECT_EQ(why([&] { settings.entries("hosts.localhost.root"); }), "hosts.localhost.root must be a map");
}

TEST(Settings, RefusesNamesThatThePluginDoesNotKnow) {
  const forklift::testing::SettingsTable raw({{"greeting", "Hi"}, {"greting", "Hi"}});
  const forklift::Settings settings(&raw);
  EXPECT_EQ(why([&] { settings.only({"greeting", "greting"}); }), "no error");
  EXPECT_EQ(why([&] {
              settings.only({"greeting", "order"});
            }),
            "greting is not a setting of this plugin; it has greeting, order");
  EXPECT_EQ(why([&] { settings.only({}); }), "greeting is not a setting of this plugin; it has none");
}

TEST(Settings, ErrorsReadAsASentenceWithTheirPlace) {
  const SettingError error("port", "must be 1 to 65535");
  EXPECT_STREQ(error.what(), "setting \"port\": must be 1 to 65535");
}

}  // namespace
