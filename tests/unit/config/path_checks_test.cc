// Paths that two keys name.
#include "config/path_checks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "reading.h"

namespace forklift::config {

TEST(Paths, AreRefusedWhereTheyAreForTwoThings) {
  EXPECT_EQ(verdict("pid_file: /run/x\nlog: {file: /run/x}\n" + app_on("4000")),
            "app.yaml:2:13: log.file: /run/x is that of pid_file too (app.yaml:1:11); write another one");
  EXPECT_EQ(verdict("control: /run/x\n" + app_on("\"unix:/run/y/../x\"")),
            "app.yaml:5:13: listen: /run/x is that of control too (app.yaml:1:10); write another one");
  EXPECT_EQ(
      verdict("runtime_dir: /run/x\npid_file: /run/x/lock\n" + app_on("4000")),
      "app.yaml:2:11: pid_file: /run/x/lock is that of the lock of runtime_dir too (app.yaml:1:14); write another one");
  EXPECT_EQ(verdict("runtime_dir: /run/x\npid_file: /run/x/control\n" + app_on("4000")),
            "app.yaml:2:11: pid_file: /run/x/control is that of control too (app.yaml:1:1); write another one");
}

TEST(Paths, OfLogsAreNeitherPluginsNorTheConfiguration) {
  EXPECT_THAT(verdict(app_with("access_log: {file: a.so}")), testing::HasSubstr("access_log.file: "));
  EXPECT_THAT(verdict("log: {file: app.yaml}\n" + app_on("4000")),
              testing::HasSubstr("is that of the configuration too (app.yaml)"));
}

TEST(Paths, AreSharedByLogsAndByPlugins) {
  EXPECT_EQ(verdict("log: {file: /run/log}\ndefaults: {access_log: {file: /run/log}}\n" + app_on("4000") +
                    "  - {name: b, plugin: a.so, listen: 4001}\n"),
            "fine");
}

}  // namespace forklift::config
