#include "settings.h"

#include <gmock/gmock.h>

#include <forklift/testing.hpp>

#include "folder.h"

namespace cgi {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;
using Entries = forklift::testing::Texts;

class SettingsTest : public testing::Test {
 protected:
  SettingsTest() {
    program_ = folder_.add("program", "");
    data_ = folder_.add("data.php", "", 0644);
  }

  static Settings read(const Entries& entries) {
    const forklift::testing::SettingsTable tree{forklift::testing::Settings(entries)};
    return read_settings(forklift::Settings(&tree));
  }
  Entries good(const Entries& more = {}) const {
    Entries entries{{"mounts[0].at", "/"}, {"mounts[0].program", program_}};
    entries.insert(entries.end(), more.begin(), more.end());
    return entries;
  }
  // `PATH: REASON`
  static std::string refusal(const Entries& entries) {
    try {
      read(entries);
    } catch (const forklift::SettingError& error) {
      return std::string(error.path()) + ": " + error.reason();
    }
    return "none";
  }

  Folder folder_;
  std::string program_;
  std::string data_;
};

TEST_F(SettingsTest, HaveDefaults) {
  const Settings settings = read(good());
  ASSERT_EQ(settings.mounts.size(), 1U);
  EXPECT_EQ(settings.mounts[0].at, "/");
  EXPECT_EQ(settings.mounts[0].program, program_);
  EXPECT_FALSE(settings.mounts[0].follow);
  EXPECT_TRUE(settings.environment.empty());
  EXPECT_TRUE(settings.interpreters.empty());
  EXPECT_EQ(settings.timeout, std::chrono::seconds(50));
  EXPECT_EQ(settings.grace, std::chrono::seconds(5));
  EXPECT_EQ(settings.head_bytes, 64U * 1024);
}

TEST_F(SettingsTest, SayEverything) {
  ::setenv("CGI_TEST_PASSED", "on", 1);
  const Settings settings = read({{"mounts[0].at", "/a"},
                                  {"mounts[0].root", folder_.path() + "/"},
                                  {"mounts[1].at", "/a/long/one"},
                                  {"mounts[1].root", folder_.path()},
                                  {"mounts[1].follow", "no"},
                                  {"mounts[2].at", "/php"},
                                  {"mounts[2].program", data_},
                                  {"environment.B", "2"},
                                  {"environment.A", ""},
                                  {"pass[0]", "CGI_TEST_PASSED"},
                                  {"pass[1]", "CGI_TEST_NOT_THERE"},
                                  {"interpreter.\".php\"", program_},
                                  {"interpreter.\".x.php\"", program_},
                                  {"timeout", "0"},
                                  {"follow", "yes"},
                                  {"grace", "250ms"},
                                  {"limits.head", "1K"}});
  ASSERT_EQ(settings.mounts.size(), 3U);
  EXPECT_EQ(settings.mounts[0].at, "/a/long/one");
  EXPECT_FALSE(settings.mounts[0].follow);
  EXPECT_EQ(settings.mounts[2].at, "/a");
  EXPECT_EQ(settings.mounts[2].root, folder_.path());
  EXPECT_TRUE(settings.mounts[2].follow);
  EXPECT_THAT(settings.environment, ElementsAre(Pair("CGI_TEST_PASSED", "on"), Pair("B", "2"), Pair("A", "")));
  EXPECT_THAT(settings.interpreters, ElementsAre(Pair(".x.php", program_), Pair(".php", program_)));
  EXPECT_EQ(settings.timeout.count(), 0);
  EXPECT_EQ(settings.grace.count(), 250);
  EXPECT_EQ(settings.head_bytes, 1024U);
}

TEST_F(SettingsTest, AreRefusedWithThePathOfWhatIsWrong) {
  const std::pair<Entries, std::string> wrong[] = {
      {{}, "mounts: must have at least one mount"},
      {good({{"tiemout", "5s"}}), "tiemout: is not a setting of this plugin"},
      {good({{"timeout", "5"}}), "timeout: must be a duration"},
      {good({{"grace", "-1s"}}), "grace: must be a duration"},
      {good({{"grace", "99ms"}}), "grace: must be 100ms to 1m"},
      {good({{"grace", "61s"}}), "grace: must be 100ms to 1m"},
      {good({{"timeout", "25h"}}), "timeout: must be at most 24h"},
      {good({{"timeout", "9223372036854775807ms"}}), "timeout: must be at most 24h"},
      {good({{"follow", "maybe"}}), "follow: must be true or false"},
      {good({{"limits.head", "65K"}}), "limits.head: must be 1 to 64K"},
      {good({{"limits.head", "0"}}), "limits.head: must be 1 to 64K"},
      {good({{"limits.body", "1K"}}), "limits.body: is not a setting"},
      {good({{"environment", "x"}}), "environment: must be a map"},
      {good({{"environment.A=B", "x"}}), "environment.A=B: is no name of an environment variable"},
      {good({{"environment.A[0]", "x"}}), "environment.A: must be a single value"},
      {good({{"environment.A", std::string("x\0y", 3)}}), "environment.A: must not have a NUL"},
      {good({{"pass", "PATH"}}), "pass: must be a list"},
      {good({{"pass[0]", ""}}), "pass[0]: is no name of an environment variable"},
      {good({{"interpreter.php", program_}}), "interpreter.php: must be the end of a file's name"},
      {good({{"interpreter.\".php\"", "/no/such"}}), "interpreter.\".php\": /no/such: No such file or directory"},
      {good({{"interpreter.\".php\"", data_}}), "interpreter.\".php\": " + data_ + " cannot be executed"},
      {good({{"mounts[1].program", program_}}), "mounts[1].at: is required"},
      {good({{"mounts[1].at", "x"}, {"mounts[1].program", program_}}), "mounts[1].at: must begin with a slash"},
      {good({{"mounts[1].at", "/x/"}, {"mounts[1].program", program_}}), "mounts[1].at: must not end with a slash"},
      {good({{"mounts[1].at", "/x/../y"}, {"mounts[1].program", program_}}),
       "mounts[1].at: must not have an empty part"},
      {good({{"mounts[1].at", "//x"}, {"mounts[1].program", program_}}), "mounts[1].at: must not have an empty part"},
      {good({{"mounts[1].at", "/"}, {"mounts[1].program", program_}}), "mounts[1].at: is the same as another mount's"},
      {good({{"mounts[1].at", "/x"}}), "mounts[1]: must have either a program or a root"},
      {good({{"mounts[1].at", "/x"}, {"mounts[1].program", program_}, {"mounts[1].root", folder_.path()}}),
       "mounts[1]: must have either a program or a root"},
      {good({{"mounts[1].at", "/x"}, {"mounts[1].program", program_}, {"mounts[1].follow", "yes"}}),
       "mounts[1].follow: is for mounts with a root"},
      {good({{"mounts[1].at", "/x"}, {"mounts[1].program", "program"}}), "mounts[1].program: must be an absolute path"},
      {good({{"mounts[1].at", "/x"}, {"mounts[1].program", "/no/such"}}), "mounts[1].program: /no/such: No such file"},
      {good({{"mounts[1].at", "/x"}, {"mounts[1].program", folder_.path()}}), "is not a file"},
      {good({{"mounts[1].at", "/x"}, {"mounts[1].program", data_}}),
       "mounts[1].program: " + data_ + " cannot be executed"},
      {good({{"mounts[1].at", "/x"}, {"mounts[1].root", program_}}),
       "mounts[1].root: " + program_ + " is not a folder"},
      {good({{"mounts[1].at", "/x"}, {"mounts[1].root", ""}}), "mounts[1].root: must not be empty"},
      {good({{"mounts[1].at", "/x"}, {"mounts[1].rout", "/"}}), "mounts[1].rout: is not a setting"},
  };
  for (const auto& [entries, reason] : wrong) EXPECT_THAT(refusal(entries), HasSubstr(reason));
}

}  // namespace
}  // namespace cgi
