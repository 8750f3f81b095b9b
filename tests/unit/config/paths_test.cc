#include "config/paths.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string_view>

#include "config/address.h"
#include "reading.h"

namespace forklift::config {

using testing::HasSubstr;

// printf %s /etc/forklift/app.yaml | sha256sum | head -c 12
constexpr const char* kFile = "/etc/forklift/app.yaml";

TEST(RuntimeDir, BelongsToTheUserAndTheFile) {
  EXPECT_EQ(default_runtime_dir(kFile, 0, "/run/user/0"), "/run/forklift/5ce917236f94");
  EXPECT_EQ(default_runtime_dir(kFile, 1000, "/run/user/1000"), "/run/user/1000/forklift/5ce917236f94");
  EXPECT_EQ(default_runtime_dir(kFile, 1000, "/run/user/1000/"), "/run/user/1000/forklift/5ce917236f94");
  EXPECT_EQ(default_runtime_dir(kFile, 1000, nullptr), "/tmp/forklift-1000/5ce917236f94");
}

// The XDG base directory specification: relative paths are to be ignored.
TEST(RuntimeDir, IgnoresAUselessEnvironment) {
  EXPECT_EQ(default_runtime_dir(kFile, 7, ""), "/tmp/forklift-7/5ce917236f94");
  EXPECT_EQ(default_runtime_dir(kFile, 7, "run"), "/tmp/forklift-7/5ce917236f94");
}

TEST(RuntimeDir, DiffersFromFileToFile) {
  EXPECT_NE(default_runtime_dir("/a.yaml", 0, nullptr), default_runtime_dir("/b.yaml", 0, nullptr));
}

TEST(Resolve, StartsAtTheFolderUnlessThePathIsAbsolute) {
  EXPECT_EQ(resolve("a.so", "/srv/conf"), "/srv/conf/a.so");
  EXPECT_EQ(resolve("./a.so", "/srv/conf"), "/srv/conf/a.so");
  EXPECT_EQ(resolve("../plugins/a.so", "/srv/conf"), "/srv/plugins/a.so");
  EXPECT_EQ(resolve("/opt//x/../a.so", "/srv/conf"), "/opt/a.so");
  EXPECT_EQ(resolve("a.so", "/"), "/a.so");
}

TEST(Paths, AreRefusedWhereTheyCannotBeShownAsTheyAre) {
  EXPECT_TRUE(check_shows("/srv/a b/\"c\"/\xc3\xa9"));  // é
  EXPECT_FALSE(check_shows("/srv/a\nb"));
  EXPECT_FALSE(check_shows("/srv/\x1b[31m"));
  EXPECT_FALSE(check_shows("/srv/\xc2\x9b"));  // CSI as one character
  for (const std::string_view key :
       {"plugin: \"a\\e[31m\"", "listen: \"unix:a\\nb\"", "chroot: \"/a\\u202e\"", "access_log: {file: \"a\\x9b\"}"}) {
    EXPECT_THAT(verdict(fmt::format("apps:\n  - name: a\n    {}\n", key)), HasSubstr("holds a character that is not"))
        << key;
  }
  for (const std::string_view key : {"log: {file: \"a\\n\"}", "pid_file: \"\\e\"", "include: [\"\\e/*.yaml\"]"}) {
    EXPECT_THAT(verdict(fmt::format("{}\n{}", key, app_on("4000"))), HasSubstr("holds a character that is not")) << key;
  }
}

TEST(Positions, ShowTheNameOfAFileThatWasFoundWithoutDrivingATerminal) {
  EXPECT_EQ((Position{"/srv/a\x1b[31m.yaml", 2, 3}).to_string(), "/srv/a\\x1b[31m.yaml:2:3");
}

TEST(Addresses, OfSocketsThatSystemdHasBoundEndNoLine) {
  const Address address{.family = Address::Family::kUnix, .host = {}, .port = 0, .path = "@a\n\x1b[31m"};
  EXPECT_EQ(address.to_string(), "unix:@a\\n\\x1b[31m");
}

}  // namespace forklift::config
