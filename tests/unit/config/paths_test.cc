#include "config/paths.h"

#include <gtest/gtest.h>

namespace forklift::config {

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

}  // namespace forklift::config
