// `defaults`: what all apps have in common.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ctime>
#include <string>

#include "config/keys.h"
#include "reading.h"

namespace forklift::config {

namespace {

using testing::ElementsAre;
using testing::Pair;

// Two apps, the first one with `more`, under defaults.
std::string apps_under(std::string_view defaults, std::string_view more) {
  return "defaults: " + std::string(defaults) + "\n" + app_with(more) + "  - {name: b, plugin: b.so, listen: 4001}\n";
}

}  // namespace

TEST(Defaults, AreForEveryAppThatSaysNothingElse) {
  const Config config = good(apps_under("{workers: {max: 9, min: 2}, timeouts: {head: 1s}, user: nobody, umask: 7}",
                                        "workers: {max: 3}\n    user: www-data"));
  EXPECT_EQ(config.apps[0].workers.max, 3U);
  EXPECT_EQ(config.apps[0].workers.min, 2U);
  EXPECT_EQ(config.apps[0].confinement.user, "www-data");
  EXPECT_EQ(config.apps[1].workers.max, 9U);
  EXPECT_EQ(config.apps[1].workers.min, 2U);
  EXPECT_EQ(config.apps[1].confinement.user, "nobody");
  for (const App& app : config.apps) {
    EXPECT_EQ(app.timeouts.head, seconds(1));
    EXPECT_EQ(app.timeouts.body, seconds(30));
    EXPECT_EQ(app.confinement.umask, 7U);
  }
}

TEST(Defaults, MayStandBelowTheApps) {
  const Config config = good(app_with("umask: 1") + "defaults: {umask: 2, queue: {length: 3}}\n");
  EXPECT_EQ(config.apps[0].confinement.umask, 1U);
  EXPECT_EQ(config.apps[0].queue.length, 3U);
}

TEST(Defaults, MergeVariablesByNameAndKeepTheirOrder) {
  const Config config = good(apps_under("{environment: {TZ: UTC, LANG: C, A: 1}}", "environment: {B: 2, LANG: de}"));
  EXPECT_THAT(config.apps[0].confinement.environment,
              ElementsAre(Pair("TZ", "UTC"), Pair("LANG", "de"), Pair("A", "1"), Pair("B", "2")));
  EXPECT_THAT(config.apps[1].confinement.environment,
              ElementsAre(Pair("TZ", "UTC"), Pair("LANG", "C"), Pair("A", "1")));
}

TEST(Defaults, MergeTensOfThousandsOfNamesAboutAsFastAsTheyAreRead) {
  constexpr int kNames = 20'000;
  std::string some = "settings: {";
  std::string others = "settings: {";
  for (int i = 0; i < kNames; ++i) {
    some += fmt::format("a{}: 1,", i);
    others += fmt::format("b{}: 2,", i);
  }
  const auto cost_of = [](const std::string& text) {
    const std::clock_t before = std::clock();  // processor time
    good(text);
    return std::clock() - before;
  };
  const std::string both = some + others.substr(others.find('{') + 1) + "}";
  const std::clock_t merged = cost_of(apps_under("{" + some + "}}", others + "}"));
  // Each name against each of the others: about ten times as much.
  EXPECT_LT(merged, 5 * cost_of(app_with(both)));
}

TEST(Defaults, MergeMapsOfSettingsAtEveryDepthAndReplaceAllElse) {
  const Config config = good(apps_under("{settings: {db: {host: h, ports: [1, 2]}, x: {y: 1}, z: s}}",
                                        "settings: {db: {ports: [3], name: n}, x: plain, z: {a: b}}"));
  const Settings& own = config.apps[0].settings;
  EXPECT_EQ(find(own, "db.host")->scalar, "h");
  EXPECT_EQ(find(own, "db.name")->scalar, "n");
  EXPECT_EQ(find(own, "db.ports[0]")->scalar, "3");
  EXPECT_EQ(find(own, "db.ports[1]"), nullptr);
  EXPECT_EQ(find(own, "x")->scalar, "plain");
  EXPECT_EQ(find(own, "z.a")->scalar, "b");
  EXPECT_EQ(find(config.apps[1].settings, "db.ports[1]")->scalar, "2");
  EXPECT_EQ(find(config.apps[1].settings, "z")->scalar, "s");
}

TEST(Defaults, AreNotInSettingsThatAreNothing) {
  const Config config = good(apps_under("{settings: {x: 1}}", "settings: ~"));
  EXPECT_TRUE(config.apps[0].settings.children.empty());
  EXPECT_EQ(config.apps[0].settings.kind, Settings::Kind::kMap);
  EXPECT_EQ(config.apps[1].settings.children.size(), 1U);
}

TEST(Defaults, TellTheirOwnPlaceToThePlugin) {
  const Config config = good(apps_under("{settings: {x: 1}}", "settings: {y: 2}"));
  EXPECT_EQ(find(config.apps[0].settings, "x")->position.to_string(), "/srv/conf/app.yaml:1:26");
  EXPECT_EQ(find(config.apps[0].settings, "y")->position.line, 6);
}

TEST(Defaults, MayBeAnyKeyButWhatNoTwoAppsShare) {
  for (const Key& key : all_keys()) {
    if (key.parent() != "apps[]" || !key.supported()) continue;
    const std::string name(key.name());
    const bool own = name == "name" || name == "plugin" || name == "listen";
    const std::string refusal = "defaults: \"" + name + "\" is no default; write it in each app";
    EXPECT_EQ(verdict("defaults: {" + name + ": x}\n" + app_on("4000")).find(refusal) != std::string::npos, own)
        << name;
  }
  EXPECT_EQ(verdict("defaults: {name: x, plugin: x.so}\n" + app_on("4000")),
            "app.yaml:1:12: defaults: \"name\" is no default; write it in each app\n"
            "app.yaml:1:21: defaults: \"plugin\" is no default; write it in each app");
}

TEST(Defaults, AreRefusedOnceAndWhereTheyStand) {
  EXPECT_EQ(
      verdict(apps_under("{queue: {age: soon}, colour: red}", "umask: 7")),
      "app.yaml:1:25: queue.age: \"soon\" is not a duration; write 250ms, 30s, 5m or 1h\n"
      "app.yaml:1:32: unknown key \"colour\"; known here: name, plugin, listen, workers, limits, timeouts, queue, "
      "reload, user, group, directory, umask, chroot, rlimits, no_new_privs, environment, settings, access_log");
  // Also what every app replaces.
  EXPECT_EQ(verdict("defaults: {umask: 9}\n" + app_with("umask: 7")),
            "app.yaml:1:19: umask: \"9\" is not a umask; write octal digits, 000 to 777");
  EXPECT_EQ(verdict("defaults: 7\n" + app_on("4000")),
            "app.yaml:1:11: defaults: must be a map of keys, not a single value");
  EXPECT_EQ(verdict("defaults:\n" + app_on("4000")),
            "app.yaml:1:1: defaults: has no value; write one or remove the key");
}

TEST(Defaults, MayBeAPartThatAppsComplete) {
  const Config config = good("defaults: {workers: {min: 7}, access_log: {format: json}}\n" +
                             app_with("workers: {max: 8}\n    access_log: {file: a.log}"));
  EXPECT_EQ(config.apps[0].workers.min, 7U);
  EXPECT_TRUE(config.apps[0].access_log.format.json);
  // An app that doesn't complete them is told.
  EXPECT_EQ(verdict("defaults: {workers: {min: 7}}\n" + app_on("4000")),
            "app.yaml:1:21: workers: min (7) is more than max (5)");
  EXPECT_EQ(verdict("defaults: {access_log: {format: json}}\n" + app_on("4000")),
            "app.yaml:1:24: key \"access_log.file\" is missing");
}

TEST(Defaults, AreBoundedInAllAppsTogether) {
  std::string yaml = "defaults: {settings: [";
  for (int i = 0; i < 10'000; ++i) yaml += "x,";
  yaml += "]}\napps:\n";
  for (int i = 0; i < 11; ++i) yaml += fmt::format("  - {{name: a{}, plugin: a.so, listen: {}}}\n", i, i + 1);
  EXPECT_THAT(verdict(yaml), testing::StartsWith("app.yaml:1:11: defaults: in all apps together they are more than"));
}

}  // namespace forklift::config
