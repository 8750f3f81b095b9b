#include "machine/checks.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <string>

#include "../base/forked.h"

namespace forklift::machine {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

// With `keys` as the further keys of its only app, which stand in line 5.
config::Config config_with(const std::string& keys) {
  auto config = config::read_text(
      fmt::format("apps:\n- name: shop\n  plugin: /nowhere/shop.so\n  listen: 4000\n  {}\n", keys), "app.yaml");
  return config ? *config : config::Config{};
}

// All that is told, as lines, in a process that may have so many descriptors, and that is root or is not.
std::string told(const std::string& keys, rlim_t descriptors, bool root = true) {
  return in_child([&]() -> std::string {
           const rlimit limit{descriptors, descriptors};
           if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) return "no limit";
           if (!root && !become_nobody()) return "not nobody";
           std::string text;
           for (const auto& finding : check(config_with(keys))) text += finding.to_string() + "\n";
           return text;
         })
      .said;
}

TEST(MachineChecks, find_nothing_where_nothing_is_asked_for) {
  EXPECT_EQ(told("", 1000), "");
  EXPECT_EQ(told("rlimits: {nofile: 1000, core: 0}", 1000), "");
}

TEST(MachineChecks, hold_connections_and_workers_against_the_limit_of_descriptors) {
  EXPECT_EQ(told("limits: {connections: 953}", 1000), "");
  EXPECT_THAT(told("limits: {connections: 954}", 1000),
              AllOf(StartsWith("app.yaml:5:25: app \"shop\": limits.connections: 954 connections and 5 workers take "
                               "1001 descriptors, and the server may have 1000; write at most 953, or raise"),
                    HasSubstr("ulimit -Hn")));
}

TEST(MachineChecks, leave_the_default_number_of_connections_alone) {
  EXPECT_EQ(told("workers: {max: 5}", 1000), "");
}

TEST(MachineChecks, hold_rlimits_of_an_ordinary_user_against_his_own) {
  EXPECT_THAT(
      told("rlimits: {nofile: 1001}", 1000, false),
      StartsWith("app.yaml:5:21: app \"shop\": rlimits.nofile: 1001 is above the server's own hard limit, 1000; "
                 "write at most that, or start the server as root"));
}

TEST(MachineChecks, hold_descriptors_of_root_against_the_kernel) {
  if (::geteuid() == 0) {
    EXPECT_EQ(told("rlimits: {nofile: 1001}", 1000), "");
  }
  EXPECT_THAT(told("rlimits: {nofile: 2147483584}", 1000),
              StartsWith("app.yaml:5:21: app \"shop\": rlimits.nofile: 2147483584 is "));
}

}  // namespace
}  // namespace forklift::machine
