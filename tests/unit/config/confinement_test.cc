// The keys that say who a worker is and what it may do.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "reading.h"

namespace forklift::config {

namespace {

using Variables = std::vector<std::pair<std::string, std::string>>;

Confinement confinement(std::string_view yaml) {
  return good(app_with(yaml)).apps.at(0).confinement;
}

Rlimit only_limit(std::string_view yaml) {
  const auto limits = confinement("rlimits: {" + std::string(yaml) + "}").rlimits;
  EXPECT_EQ(limits.size(), 1U);
  return limits.empty() ? Rlimit{} : limits.front();
}

}  // namespace

TEST(Confinement, IsTheServersOwnUserWithoutPrivilegesToGainByDefault) {
  const Confinement defaults = confinement("settings: {}");
  EXPECT_EQ(defaults.user, "");
  EXPECT_EQ(defaults.group, "");
  EXPECT_EQ(defaults.directory, "");
  EXPECT_EQ(defaults.chroot, "");
  EXPECT_EQ(defaults.umask, 022U);
  EXPECT_TRUE(defaults.rlimits.empty());
  EXPECT_TRUE(defaults.no_new_privs);
  EXPECT_TRUE(defaults.environment.empty());
}

TEST(Confinement, TakesNamesAndNumbersOfUsersAndGroups) {
  EXPECT_EQ(confinement("user: www-data").user, "www-data");
  EXPECT_EQ(confinement("user: root\n    group: 0").group, "0");
  EXPECT_EQ(confinement("user: 4294967294").user, "4294967294");
  EXPECT_EQ(verdict(app_with("user: ''")), "app.yaml:5:11: user: is empty; write a name or a number");
  EXPECT_EQ(verdict(app_with("user:")), "app.yaml:5:5: user: has no value; write one or remove the key");
  EXPECT_EQ(verdict(app_with("group: [a, b]")), "app.yaml:5:12: group: must be a single value, not a list");
}

// setresuid(2) and setresgid(2) leave everything as it is for it.
TEST(Confinement, RefusesTheNumberOfNobodyAtAll) {
  EXPECT_EQ(verdict(app_with("user: 4294967295")),
            "app.yaml:5:11: user: 4294967295 is out of range; write 0 to 4294967294");
  EXPECT_EQ(verdict(app_with("group: 4294967295")),
            "app.yaml:5:12: group: 4294967295 is out of range; write 0 to 4294967294");
}

TEST(Confinement, TakesPathsRelativeToTheFile) {
  EXPECT_EQ(confinement("directory: ../data").directory, "/srv/data");
  EXPECT_EQ(confinement("directory: /data/./x").directory, "/data/x");
  EXPECT_EQ(confinement("chroot: jail").chroot, "/srv/conf/jail");
}

TEST(Confinement, TakesTheDirectoryInsideTheChrootAsItIsWritten) {
  // In either order: only the whole app says what the directory means.
  for (const char* yaml : {"directory: /data\n    chroot: /jail", "chroot: /jail\n    directory: /data"}) {
    EXPECT_EQ(confinement(yaml).directory, "/data");
  }
  const std::string refusal =
      ": directory: \"data\" is relative, but stands for a folder inside the chroot; write a path that starts with /";
  EXPECT_EQ(verdict(app_with("directory: data\n    chroot: /jail")), "app.yaml:5:16" + refusal);
  EXPECT_EQ(verdict(app_with("chroot: /jail\n    directory: data")), "app.yaml:6:16" + refusal);
  EXPECT_EQ(verdict(app_with("chroot: /jail\n    directory: ''")), "app.yaml:6:16: directory: names no path");
}

TEST(Confinement, ReadsTheUmaskAsOctal) {
  EXPECT_EQ(confinement("umask: \"022\"").umask, 022U);
  EXPECT_EQ(confinement("umask: 0077").umask, 077U);
  EXPECT_EQ(confinement("umask: 0").umask, 0U);
  EXPECT_EQ(confinement("umask: 777").umask, 0777U);
  for (const char* text : {"", "8", "0o22", "1000", "-1", "+1", "022 ", "0x1", "u=rwx", "99999999999999999999"}) {
    EXPECT_EQ(verdict(app_with("umask: \"" + std::string(text) + "\"")),
              "app.yaml:5:12: umask: \"" + std::string(text) + "\" is not a umask; write octal digits, 000 to 777");
  }
}

TEST(Confinement, ReadsLimitsInTheUnitOfTheirResource) {
  const Rlimit memory = only_limit("as: 2G");
  EXPECT_EQ(memory.resource, RLIMIT_AS);
  EXPECT_EQ(memory.name, "as");
  EXPECT_EQ(memory.value, 2U * 1024 * 1024 * 1024);
  EXPECT_EQ(only_limit("core: 0").value, 0U);
  EXPECT_EQ(only_limit("nofile: 1024").resource, RLIMIT_NOFILE);
  EXPECT_EQ(only_limit("nofile: 1024").value, 1024U);
  EXPECT_EQ(only_limit("cpu: 60").value, 60U);
  EXPECT_EQ(only_limit("core: unlimited").value, RLIM_INFINITY);
  EXPECT_EQ(only_limit("nproc: unlimited").value, RLIM_INFINITY);
}

TEST(Confinement, KnowsEachLimitByANameAndAResourceOfItsOwn) {
  const Confinement all = confinement(
      "rlimits: {core: 1, nofile: 16, as: 1, nproc: 1, fsize: 1, cpu: 1, data: 1, stack: 1, memlock: 1, msgqueue: 1, "
      "nice: 1, rtprio: 1, rttime: 1, sigpending: 1}");
  std::set<int> resources;
  for (const Rlimit& limit : all.rlimits) resources.insert(limit.resource);
  EXPECT_EQ(resources.size(), 14U);
  ASSERT_EQ(all.rlimits.size(), 14U);
  EXPECT_EQ(all.rlimits.front().name, "core");
  EXPECT_EQ(all.rlimits.back().name, "sigpending");
}

TEST(Confinement, RefusesLimitsThatCannotBe) {
  EXPECT_EQ(verdict(app_with("rlimits: {colour: 1}")),
            "app.yaml:5:15: unknown key \"colour\"; known here: core, nofile, as, nproc, fsize, cpu, data, stack, "
            "memlock, msgqueue, nice, rtprio, rttime, sigpending");
  EXPECT_EQ(verdict(app_with("rlimits: {nofiles: 1}")),
            "app.yaml:5:15: unknown key \"nofiles\"; did you mean \"nofile\"?");
  EXPECT_EQ(verdict(app_with("rlimits: {nproc: 1K}")),
            "app.yaml:5:22: rlimits.nproc: \"1K\" is not a number; write digits, without a leading zero");
  EXPECT_EQ(verdict(app_with("rlimits: {as: infinite}")),
            "app.yaml:5:19: rlimits.as: \"infinite\" is not a size; write 512, 64K, 16M or 1G");
  EXPECT_EQ(verdict(app_with("rlimits: {core: [unlimited]}")),
            "app.yaml:5:21: rlimits.core: must be a single value, not a list");
  // The kernel has a bound for descriptors, and the worker needs a few.
  EXPECT_EQ(verdict(app_with("rlimits: {nofile: unlimited}")),
            "app.yaml:5:23: rlimits.nofile: \"unlimited\" is not a number; write digits, without a leading zero");
  EXPECT_EQ(verdict(app_with("rlimits: {nofile: 15}")),
            "app.yaml:5:23: rlimits.nofile: 15 is out of range; write 16 to 2147483584");
}

TEST(Confinement, LetsAWorkerGainPrivilegesOnlyForAPlainFalse) {
  EXPECT_FALSE(confinement("no_new_privs: false").no_new_privs);
  EXPECT_TRUE(confinement("no_new_privs: true").no_new_privs);
  EXPECT_EQ(verdict(app_with("no_new_privs: no")), "app.yaml:5:19: no_new_privs: \"no\" is unknown; write false, true");
}

TEST(Confinement, KeepsTheEnvironmentAsWrittenAndInOrder) {
  const Variables expected = {{"TZ", "UTC"}, {"PATH", "/opt/bin:/bin"}, {"_x1", "010"}, {"EMPTY", ""}, {"A", "b=c"}};
  EXPECT_EQ(confinement("environment: {TZ: UTC, PATH: /opt/bin:/bin, _x1: 010, EMPTY: \"\", A: b=c}").environment,
            expected);
  EXPECT_TRUE(confinement("environment: {}").environment.empty());
}

TEST(Confinement, RefusesVariablesThatNoEnvironmentCanHold) {
  for (const char* name : {"", "A=B", "1A", "A B", "A.B", "A-B"}) {
    EXPECT_EQ(verdict(app_with("environment: {\"" + std::string(name) + "\": x}")),
              "app.yaml:5:19: environment: \"" + std::string(name) +
                  "\" is not a name of a variable; it is made of A-Z, a-z, 0-9 and _, and starts with no digit");
  }
  EXPECT_EQ(verdict(app_with("environment: {TZ: }")),
            "app.yaml:5:19: environment: TZ has no value; write \"\" for an empty one");
  EXPECT_EQ(verdict(app_with("environment: {TZ: [UTC]}")), "app.yaml:5:23: environment: TZ must be a single value");
  EXPECT_EQ(verdict(app_with("environment: [TZ=UTC]")),
            "app.yaml:5:18: environment: must be a map of names and values");
  EXPECT_EQ(verdict(app_with("environment: {TZ: UTC, TZ: CET}")),
            "app.yaml:5:28: duplicate key \"TZ\"; the first one is in line 5");
}

}  // namespace forklift::config
