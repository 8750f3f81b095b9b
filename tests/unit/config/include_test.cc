// `include`: apps in files of their own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "folder.h"
#include "reading.h"

namespace forklift::config {

namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;

std::string app(const std::string& name, int port, const std::string& more = "") {
  return fmt::format("apps:\n  - name: {}\n    plugin: {}.so\n    listen: {}\n{}", name, name, port, more);
}

class Include : public testing::Test {
 protected:
  Include() { fs::create_directory(folder_ / "conf.d"); }

  std::string main(const std::string& text) const { return folder_.write("main.yaml", text); }
  // What is said of the main file, without the folder's name.
  std::string told(const std::string& text) const {
    std::string said = verdict_on_file(main(text));
    const std::string place = folder_ / "";
    for (std::size_t at = 0; (at = said.find(place, at)) != said.npos;) said.erase(at, place.size());
    return said;
  }
  std::vector<std::string> names(const std::string& text) const {
    const auto config = read_file(main(text));
    EXPECT_TRUE(config) << show(config.error());
    std::vector<std::string> all;
    if (!config) return all;
    for (const App& each : config->apps) all.push_back(each.name);
    return all;
  }

  Folder folder_;
};

}  // namespace

TEST_F(Include, BringsTheAppsOfAllMatchesInTheOrderOfTheirNames) {
  folder_.write("conf.d/20-b.yaml", app("b", 2));
  folder_.write("conf.d/10-a.yaml", app("a", 1));
  folder_.write("conf.d/30-c.yaml~", app("backup", 4));
  folder_.write("conf.d/.hidden.yaml", app("hidden", 5));
  EXPECT_THAT(names("include: [ conf.d/*.yaml ]\n" + app("own", 3)), ElementsAre("a", "b", "own"));
  // Nothing of one's own.
  EXPECT_THAT(names("include: [ conf.d/*.yaml ]\n"), ElementsAre("a", "b"));
  EXPECT_THAT(names("include: [ conf.d/*.yaml ]\napps: []\n"), ElementsAre("a", "b"));
  EXPECT_THAT(names("include: [ conf.d/20-b.yaml, conf.d/10-a.yaml ]\n"), ElementsAre("b", "a"));
}

TEST_F(Include, ReadsAFileOnceHoweverOftenItIsNamed) {
  folder_.write("conf.d/a.yaml", app("a", 1));
  fs::create_symlink("a.yaml", folder_ / "conf.d/b.yaml");
  EXPECT_THAT(names("include: [ conf.d/*.yaml, conf.d/a.yaml, './conf.d/../conf.d/?.yaml' ]\n"), ElementsAre("a"));
}

TEST_F(Include, HasPathsThatAreRelativeToTheFileTheyStandIn) {
  folder_.write("conf.d/a.yaml", app("a", 1, "    access_log: { file: a.log }\n"));
  const auto config = read_file(main("include: [ conf.d/a.yaml ]\ndefaults: { directory: work }\n" + app("b", 2)));
  ASSERT_TRUE(config) << show(config.error());
  EXPECT_EQ(config->apps[0].plugin, folder_ / "conf.d/a.so");
  EXPECT_EQ(config->apps[0].access_log.file, folder_ / "conf.d/a.log");
  EXPECT_EQ(config->apps[1].plugin, folder_ / "b.so");
  // A default is the main file's, wherever it takes effect.
  EXPECT_EQ(config->apps[0].confinement.directory, folder_ / "work");
}

TEST_F(Include, NamesTheFileInEveryPlace) {
  folder_.write("conf.d/a.yaml", app("a", 1, "    settings: { x: y }\n"));
  const auto config = read_file(main("include: [ conf.d/*.yaml ]\n"));
  ASSERT_TRUE(config);
  EXPECT_EQ(config->apps[0].position.to_string(), folder_ / "conf.d/a.yaml:2:5");
  EXPECT_EQ(find(config->apps[0].settings, "x")->position.to_string(), folder_ / "conf.d/a.yaml:5:20");
}

TEST_F(Include, TellsAllFindingsOfAllFilesInTheirOrder) {
  folder_.write("conf.d/a.yaml", app("a", 1, "    queue: { age: soon }\n"));
  folder_.write("conf.d/b.yaml", "apps: [\n");
  folder_.write("conf.d/c.yaml", app("a", 1));
  EXPECT_EQ(told("include: [ conf.d/*.yaml ]\ndefaults: { umask: 9 }\nlog: { level: loud }\n"),
            "main.yaml:2:20: umask: \"9\" is not a umask; write octal digits, 000 to 777\n"
            "main.yaml:3:15: log.level: \"loud\" is unknown; write debug, info, warning, error\n"
            "conf.d/a.yaml:5:19: queue.age: \"soon\" is not a duration; write 250ms, 30s, 5m or 1h\n"
            "conf.d/b.yaml:2:1: a \"[\" is not closed, or a comma is missing\n"
            "conf.d/c.yaml:2:5: name: another app is called \"a\" already (conf.d/a.yaml:2:5)\n"
            "conf.d/c.yaml:4:13: listen: 127.0.0.1:1 is taken by app \"a\" (conf.d/a.yaml:4:13)");
}

TEST_F(Include, FindsNothingWhereAPatternMatchesNothing) {
  EXPECT_THAT(names("include: [ conf.d/*.yaml, nowhere/*.yaml ]\n" + app("own", 3)), ElementsAre("own"));
  EXPECT_EQ(told("include: [ conf.d/*.yaml ]\n"),
            "main.yaml:1:10: include: no file brings an app, and none stands here; write at least one");
  EXPECT_EQ(told("include: []\n"),
            "main.yaml:1:10: include: no file brings an app, and none stands here; write at least one");
}

TEST_F(Include, NeedsAFileThatIsNamed) {
  EXPECT_EQ(told("include: [ conf.d/a.yaml ]\n" + app("own", 3)),
            "main.yaml:1:12: include: \"conf.d/a.yaml\" cannot be opened: No such file or directory");
  EXPECT_EQ(told("include: [ conf.d ]\n" + app("own", 3)),
            "main.yaml:1:12: include: \"conf.d\" is a directory; name the YAML file in it");
  EXPECT_EQ(told("include: [ conf.d/ ]\n" + app("own", 3)),
            "main.yaml:1:12: include: \"conf.d/\" names no file; write which, such as conf.d/*.yaml");
}

TEST_F(Include, HoldsAppsAndNothingElse) {
  folder_.write("a.yaml", "log: { level: info }\ninclude: [ b.yaml ]\naps: []\n" + app("a", 1));
  EXPECT_EQ(told("include: [ a.yaml ]\n"),
            "a.yaml:1:1: key \"log\" cannot stand in an included file, which holds \"apps\" and nothing else; write it "
            "in main.yaml\n"
            "a.yaml:2:1: key \"include\" cannot stand in an included file, which holds \"apps\" and nothing else; "
            "write it in main.yaml\n"
            "a.yaml:3:1: unknown key \"aps\"; did you mean \"apps\"?");
  folder_.write("b.yaml", "- name: a\n");
  EXPECT_EQ(told("include: [ b.yaml ]\n"), "b.yaml:1:1: must be a map with the key \"apps\" and the apps below it");
  folder_.write("c.yaml", "apps:\n");
  EXPECT_EQ(told("include: [ c.yaml ]\n"), "c.yaml:1:1: apps: has no value");
}

TEST_F(Include, RefusesWhatIsNoListOfFiles) {
  const std::string own = app("own", 3);
  EXPECT_EQ(told("include: conf.d/*.yaml\n" + own), "main.yaml:1:10: include: must be a list; write [ conf.d/*.yaml ]");
  EXPECT_EQ(told("include: [ { file: x } ]\n" + own),
            "main.yaml:1:12: include: each entry must be a path, such as conf.d/*.yaml");
  EXPECT_EQ(told("include: [ '*/apps.yaml' ]\n" + own),
            "main.yaml:1:12: include: \"*/apps.yaml\" has a pattern in the name of a folder; only the last part can be "
            "one");
  EXPECT_EQ(told("include: [ '*.yaml' ]\n" + own), "main.yaml:1:12: include: \"*.yaml\" includes this file itself");
}

// Text that is read for its own sake opens no files.
TEST(IncludeInText, IsCheckedButNotFollowed) {
  EXPECT_EQ(verdict("include: [ /nowhere/a.yaml ]\n" + app_on("4000")), "fine");
  EXPECT_EQ(
      verdict("include: [ '*/a.yaml' ]\n" + app_on("4000")),
      "app.yaml:1:12: include: \"*/a.yaml\" has a pattern in the name of a folder; only the last part can be one");
}

}  // namespace forklift::config
