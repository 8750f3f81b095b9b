#include "machine/identity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <vector>

#include "../base/forked.h"
#include "base/log.h"

namespace forklift::machine {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

config::App app(const std::string& user, const std::string& group = "") {
  config::App app;
  app.name = "shop";
  app.confinement.user = user;
  app.confinement.group = group;
  return app;
}

std::string error(const config::App& app) {
  const auto identity = look_up(app);
  return identity ? "found" : identity.error().message();
}

// Looks up as an ordinary user, which a test that runs as root can become in a child only. Shown as one line, with what
// the log says behind it.
std::string look_up_as_nobody(const config::App& app) {
  return in_child([&]() -> std::string {
           std::string said;
           log::redirect([&](log::Level level, std::string_view line) {
             said += fmt::format("{}: {}\n", log::to_string(level), line);
           });
           if (!become_nobody()) return "not nobody";
           const auto identity = look_up(app);
           if (!identity) return identity.error().message();
           return fmt::format("{} {}\n{}", identity->changes ? "changes" : "stays", identity->name, said);
         })
      .said;
}

class IdentityOfRoot : public testing::Test {
 protected:
  const bool is_root_ = ::geteuid() == 0;
};

TEST_F(IdentityOfRoot, a_name_becomes_numbers_with_its_groups_and_its_home) {
  const auto identity = look_up(app("nobody"));
  ASSERT_TRUE(identity) << identity.error().message();
  EXPECT_EQ(identity->changes, is_root_);
  if (!is_root_) return;
  EXPECT_EQ(identity->user, kNobody);
  EXPECT_THAT(identity->groups, Contains(identity->group));
  EXPECT_EQ(identity->name, "nobody");
  EXPECT_EQ(identity->home, "/nonexistent");
}

TEST_F(IdentityOfRoot, a_group_that_is_named_replaces_the_users_own) {
  const auto identity = look_up(app("nobody", "daemon"));
  ASSERT_TRUE(identity) << identity.error().message();
  const struct group* daemon = ::getgrnam("daemon");
  ASSERT_NE(daemon, nullptr);
  if (is_root_) {
    EXPECT_EQ(identity->group, daemon->gr_gid);
    EXPECT_THAT(identity->groups, Contains(daemon->gr_gid));
  }
  EXPECT_EQ(identity->changes, is_root_);
}

TEST_F(IdentityOfRoot, numbers_need_no_passwd_entry_where_the_group_is_named_too) {
  const auto identity = look_up(app("4000000000", "4000000001"));
  ASSERT_TRUE(identity) << identity.error().message();
  EXPECT_EQ(identity->changes, is_root_);
  if (!is_root_) return;
  EXPECT_EQ(identity->user, 4000000000U);
  EXPECT_EQ(identity->group, 4000000001U);
  EXPECT_EQ(identity->groups, std::vector<gid_t>{4000000001U});
  EXPECT_EQ(identity->name, "");
  EXPECT_THAT(error(app("4000000000")), HasSubstr("user: 4000000000 has no passwd entry"));
}

TEST_F(IdentityOfRoot, names_that_nobody_knows_are_errors_that_quote_them) {
  // The user that means "nobody" to the kernel is no number, and no name either.
  const std::string unknown = error(app("www-dta")), none = error(app("4294967295", "0"));
  const std::string no_group = error(app("nobody", "no\x1b[31m"));
  if (!is_root_) {
    EXPECT_EQ(unknown + none + no_group, "foundfoundfound") << "what is ignored is no error";
    return;
  }
  EXPECT_EQ(unknown, "app \"shop\": user: there is no user \"www-dta\"");
  EXPECT_EQ(none, "app \"shop\": user: there is no user \"4294967295\"");
  EXPECT_THAT(no_group, AllOf(HasSubstr("group: there is no group \"no"), testing::Not(HasSubstr("\x1b"))));
}

TEST_F(IdentityOfRoot, a_server_that_runs_as_root_insists_on_a_user) {
  EXPECT_EQ(error(app("")),
            is_root_
                ? "app \"shop\": the server runs as root and the app names no user; write user: www-data, or user: "
                  "root if its workers are really to be root"
                : "found");
  const auto root = look_up(app("root"));
  ASSERT_TRUE(root);
  EXPECT_EQ(root->changes, is_root_);
  EXPECT_EQ(root->user, ::geteuid());
}

TEST_F(IdentityOfRoot, nothing_of_the_look_up_is_left_behind) {
  ASSERT_TRUE(look_up(app("nobody")));
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
}

TEST(OwnerOfAPath, is_looked_up_by_name_and_number_and_each_alone) {
  const auto both = look_up_owner("nobody", "daemon");
  ASSERT_TRUE(both) << both.error().message();
  EXPECT_EQ(both->user, kNobody);
  EXPECT_EQ(both->group, ::getgrnam("daemon")->gr_gid);
  const auto numbers = look_up_owner("4000000000", "4000000001");
  ASSERT_TRUE(numbers);
  EXPECT_EQ(numbers->user, 4000000000U);
  EXPECT_EQ(numbers->group, 4000000001U);
  EXPECT_EQ(look_up_owner("nobody", "")->group, Ownership{}.group) << "stays";
  EXPECT_EQ(look_up_owner("", "daemon")->user, Ownership{}.user);
  EXPECT_EQ(look_up_owner("", "")->user, Ownership{}.user);
}

TEST(OwnerOfAPath, that_nobody_knows_is_named_with_its_key) {
  EXPECT_EQ(look_up_owner("www-dta", "daemon").error().message(), "owner: there is no user \"www-dta\"");
  EXPECT_EQ(look_up_owner("nobody", "www-dta").error().message(), "group: there is no group \"www-dta\"");
}

TEST(IdentityOfAnOrdinaryUser, stays_what_it_is_without_a_word) {
  EXPECT_THAT(look_up_as_nobody(app("")), testing::MatchesRegex("stays [a-z0-9_-]*\n"));
}

TEST(IdentityOfAnOrdinaryUser, warns_where_another_one_is_asked_for) {
  const std::string warning =
      "warning: app \"shop\": user and group are ignored: only a server that is started as root can change them\n";
  EXPECT_THAT(look_up_as_nobody(app("root")), HasSubstr("\n" + warning));
  EXPECT_THAT(look_up_as_nobody(app("www-dta")), HasSubstr("\n" + warning));
  EXPECT_THAT(look_up_as_nobody(app("", "daemon")), HasSubstr("\n" + warning));
}

TEST(IdentityOfAnOrdinaryUser, does_not_warn_where_its_own_is_asked_for) {
  const uid_t own = ::geteuid() == 0 ? kNobody : ::geteuid();
  EXPECT_THAT(look_up_as_nobody(app(std::to_string(own))), testing::Not(HasSubstr("warning")));
}

}  // namespace
}  // namespace forklift::machine
