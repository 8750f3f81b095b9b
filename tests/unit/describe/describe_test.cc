// What is written about the keys is what the table says, and is right.
#include "describe/describe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>
#include <set>
#include <string>

#include "../config/documents.h"

namespace forklift::describe {

namespace {

using config::good;
using config::Key;
using config::key_paths;
using config::source_file;
using config::verdict;
using config::without_places;
using testing::HasSubstr;

constexpr std::string_view kRenew = "written anew by: cmake --build build/release --target describe";

std::string file(std::string_view name) {
  return source_file(std::string(name));
}

// conf/full.yaml with the keys that it comments out.
std::string with_all_examples() {
  static const std::regex commented("(^|\n)( *)#(- )?([a-z_]+:)");
  const std::string text = std::regex_replace(file(kExampleFile), commented, "$1$2$3$4");
  // Some of them are of Unix sockets.
  return std::regex_replace(text, std::regex("address: \"127[^\n]*"), "address: unix:/run/hello.sock");
}

}  // namespace

TEST(Documents, SayWhatTheTableSays) {
  EXPECT_EQ(file(kExampleFile), example(file(kExampleForm))) << kRenew;
  EXPECT_EQ(file(kSchemaFile), schema()) << kRenew;
  EXPECT_EQ(file(kManualFile), manual(file(kManualForm))) << kRenew;
}

TEST(Documents, KnowAMeaningAndADefaultOrAnExampleOfEveryKey) {
  for (const Key& key : config::all_keys()) {
    if (!key.supported()) continue;
    EXPECT_NE(key.meaning, "") << key.path;
    const auto& absent = key.absent;
    EXPECT_TRUE(has_keys(key) || !absent.value.empty() || !absent.example.empty()) << key.path;
    EXPECT_FALSE(absent.required && !absent.value.empty()) << key.path;
  }
}

TEST(Example, IsAConfiguration) {
  EXPECT_EQ(verdict(file(kExampleFile)), "fine");
  EXPECT_EQ(verdict(source_file("conf/minimal.yaml")), "fine");
}

TEST(Example, HasTheDefaultsForItsValues) {
  const auto minimal = good(R"(
defaults: { user: nobody }
apps:
  - { name: hello, plugin: ../build/release/plugins/hello.so, listen: 4000 }
  - { name: hello_cc, plugin: ../build/release/plugins/hello_cc.so, listen: 4001 }
)");
  EXPECT_TRUE(without_places(good(file(kExampleFile))) == without_places(minimal));
}

TEST(Example, HasExamplesThatAreRight) {
  EXPECT_EQ(verdict(with_all_examples()), "fine");
  EXPECT_NE(with_all_examples(), file(kExampleFile));
}

TEST(Example, ShowsTheKeysThatAreSupportedAndNoOthers) {
  const std::set<std::string> shown = key_paths(with_all_examples());
  for (const Key& key : config::all_keys()) {
    EXPECT_EQ(shown.contains(std::string(key.path)), key.supported()) << key.path;
  }
}

TEST(Manual, HasAnEntryForEveryKeyThatIsSupportedAndNoOthers) {
  const std::string text = file(kManualFile);
  for (const Key& key : config::all_keys()) {
    const std::string entry = "\n.TP\n.B " + key.shown() + "\n";
    // `limits` is a key of the server and of each app: one entry would do for this test, but not for a reader.
    EXPECT_EQ(text.find(entry) != std::string::npos, key.supported()) << key.path;
  }
  EXPECT_THAT(text, HasSubstr("(a number, 0 to 10000; default: 1)"));
  EXPECT_THAT(text, HasSubstr("(a size, 1M to 64G; default: 64M)"));
}

}  // namespace forklift::describe
