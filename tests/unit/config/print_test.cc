// `check --print`: what it shows reads back to the same configuration.
#include "config/print.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "config/document.h"
#include "config/keys.h"
#include "config/yaml_writer.h"
#include "documents.h"
#include "reading.h"

namespace forklift::config {

namespace {

using testing::HasSubstr;
using testing::Not;

void expect_reads_back(std::string_view yaml) {
  const Config config = good(yaml);
  const std::string printed = print(config);
  EXPECT_TRUE(without_places(good(printed)) == without_places(config)) << printed;
  EXPECT_EQ(print(good(printed)), printed);
}

// What becomes of a setting when it is printed and read.
std::string through(const std::string& value) {
  Config config = good(app_with("settings: {x: \"\"}"));
  config.apps[0].settings.children[0].node.scalar = value;
  const Config back = good(print(config));
  const Settings* setting = find(back.apps.at(0).settings, "x");
  return setting ? setting->scalar : "gone";
}

}  // namespace

TEST(Print, ReadsBackToTheSame) {
  expect_reads_back(app_on("4000"));
  expect_reads_back(readme_configuration());
  expect_reads_back(source_file("conf/quickstart.yaml"));
  expect_reads_back(source_file("conf/cgi.yaml"));
  expect_reads_back(app_on("[localhost:4000, localhost:0, \"[::1]:1\", unix:a.sock, {address: 2, backlog: 7}]"));
  expect_reads_back(app_with("access_log: {file: a.log, format: \"$$$status ${uri}x $$\"}"));
  expect_reads_back(app_with("access_log: {file: a.log, format: json}"));
  expect_reads_back(
      app_with("timeouts: {head: 1500ms, body: 90s, request: 0, total: 25h}\n"
               "    limits: {body: 1025, head: 2K}\n    umask: \"007\"\n    no_new_privs: false\n"
               "    rlimits: {as: 3G, core: unlimited, cpu: 7}\n    workers: {jitter: 0%}"));
  expect_reads_back("log: {file: x.log, level: error, format: json}\ndefaults: {user: www-data, group: 7}\n" +
                    app_with("directory: x"));
}

TEST(Print, ReadsBackToTheSameTrees) {
  expect_reads_back(app_with("settings: {a: [], b: {}, c: [[1, [2]], {d: e, f: [g]}, [{h: i}]], \"\": {x: ''}}"));
  expect_reads_back(app_with("settings: [x, {y: z}]"));
  expect_reads_back(app_with("settings: plain"));
  expect_reads_back(app_with("settings: ~"));
  expect_reads_back(app_with("settings: {\"a: b\": 1, \"#\": 2, '<<': 3, \"- x\": 4, '~': 5}"));
  expect_reads_back(app_with("settings:\n      ? " + std::string(3000, 'k') + "\n      : {x: y}"));
  expect_reads_back(app_with("environment: {EMPTY: '', TZ: UTC, LINES: \"a\\nb\"}"));
}

TEST(Print, KeepsEveryText) {
  for (const char* text : {"",
                           " ",
                           "a b",
                           "~",
                           "null",
                           "yes",
                           "010",
                           "0x10",
                           "1.0",
                           "12:30",
                           "- a",
                           "a: b",
                           "a #b",
                           "#",
                           "'",
                           "\"",
                           "\\",
                           "a\\nb",
                           "line\nline\n",
                           "\ttab ",
                           "\r\n",
                           "{x}",
                           "[x]",
                           "&a",
                           "*a",
                           "!t",
                           "%x",
                           "@x",
                           "`",
                           "---",
                           "...",
                           "\x1b[31m",
                           "\x7f",
                           "gr\xc3\xbc\xc3\x9f",
                           "\xc2\x85",
                           "\xe2\x80\xa8",
                           "\xef\xbb\xbf",
                           "\xf0\x9f\x98\x80",
                           "\xf3\xa0\x80\x81"}) {
    EXPECT_EQ(through(text), text);
  }
  EXPECT_EQ(through(std::string(5000, 'x') + " y"), std::string(5000, 'x') + " y");
}

TEST(Print, WritesWhatNoYamlTakesForSomethingElse) {
  EXPECT_EQ(write_scalar("hello"), "hello");
  EXPECT_EQ(write_scalar("64K"), "64K");
  EXPECT_EQ(write_scalar("/run/app.sock"), "/run/app.sock");
  EXPECT_EQ(write_scalar("022"), "\"022\"");
  EXPECT_EQ(write_scalar("no"), "\"no\"");
  EXPECT_EQ(write_scalar("null"), "\"null\"");
  EXPECT_EQ(write_scalar("127.0.0.1:4000"), "\"127.0.0.1:4000\"");
  EXPECT_EQ(write_scalar("\x1b[31m\n"), "\"\\x1b[31m\\n\"");
  EXPECT_EQ(write_scalar("/srv/caf\xe9/a.so"), "\"/srv/caf\xe9/a.so\"") << "a path may have any byte";
}

TEST(Print, ShowsEveryKeyWithAValue) {
  const auto shown = key_paths(print(good(readme_configuration())));
  for (const Key& key : all_keys()) {
    EXPECT_TRUE(!key.type.show || shown.contains(std::string(key.path))) << key.path;
  }
}

TEST(Print, ShowsDefaultsAndAbsolutePathsAndLeavesOutWhatIsNotThere) {
  const std::string printed = print(good("defaults: {queue: {age: 7s}}\n" + app_with("umask: 7")));
  EXPECT_THAT(printed, HasSubstr("\n  - name: a\n    plugin: /srv/conf/a.so\n"));
  EXPECT_THAT(printed, HasSubstr("\n    queue:\n      length: 1024\n      age: 7s\n"));
  EXPECT_THAT(printed, HasSubstr("\n    umask: \"007\"\n"));
  EXPECT_THAT(printed, Not(HasSubstr("defaults")));
  EXPECT_THAT(printed, Not(HasSubstr("pid_file")));
  EXPECT_THAT(printed, Not(HasSubstr("access_log")));
  EXPECT_THAT(printed, Not(HasSubstr("rlimits")));
}

}  // namespace forklift::config
