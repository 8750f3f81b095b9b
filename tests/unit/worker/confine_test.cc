#include "worker/confine.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "../base/forked.h"

namespace forklift::worker {
namespace {

// The numbers of all open descriptors, but for the one that lists them.
std::string open_descriptors() {
  std::set<int> numbers;
  std::string listing;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    numbers.insert(std::stoi(entry.path().filename()));
  }
  for (const int fd : numbers) {
    if (::fcntl(fd, F_GETFD) >= 0) listing += std::to_string(fd) + " ";
  }
  return listing;
}

// in_child() reports over a descriptor of its own, which therefore has to be kept.
constexpr int kReport = 900;

void open_at(int number) {
  UniqueFd fd(::open("/dev/zero", O_RDONLY));
  if (fd.get() == number) {
    (void)fd.release();
  } else {
    ::dup2(fd.get(), number);
  }
}

TEST(LetGo, everything_but_the_list_is_closed) {
  const Forked child = in_child([]() -> std::string {
    for (const int fd : {3, 4, 5, 10, 11, 12, 100, 500, 899, 901, 1000}) open_at(fd);
    const int keep[] = {11, 100, kReport, 10};
    const auto done = let_go(keep);
    return done ? open_descriptors() : done.error().message();
  });
  EXPECT_EQ(child.said, "0 1 2 10 11 100 900 ");
}

TEST(LetGo, the_list_may_name_a_descriptor_twice_and_the_standard_ones) {
  const Forked child = in_child([]() -> std::string {
    for (const int fd : {3, 4, 5}) open_at(fd);
    const int keep[] = {kReport, 4, 4, 2, 0};
    const auto done = let_go(keep);
    return done ? open_descriptors() : done.error().message();
  });
  EXPECT_EQ(child.said, "0 1 2 4 900 ");
}

TEST(LetGo, standard_input_is_empty) {
  const Forked child = in_child([]() -> std::string {
    const int keep[] = {kReport};
    if (!let_go(keep)) return "let_go";
    char byte = 0;
    return ::read(STDIN_FILENO, &byte, 1) == 0 ? "empty" : "not empty";
  });
  EXPECT_EQ(child.said, "empty");
}

TEST(LetGo, a_worker_leads_a_group_of_its_own) {
  const Forked child = in_child([]() -> std::string {
    const int keep[] = {kReport};
    if (!let_go(keep)) return "let_go";
    return ::getpgrp() == ::getpid() && ::getpgrp() != ::getpgid(::getppid()) ? "own group" : "another's";
  });
  EXPECT_EQ(child.said, "own group");
}

TEST(LetGo, the_masters_signals_are_the_workers_no_more) {
  const Forked child = in_child([]() -> std::string {
    sigset_t all;
    sigfillset(&all);
    ::sigprocmask(SIG_BLOCK, &all, nullptr);
    ::signal(SIGTERM, SIG_IGN);
    const int keep[] = {kReport};
    if (!let_go(keep)) return "let_go";
    ::sigprocmask(SIG_BLOCK, nullptr, &all);
    return sigismember(&all, SIGTERM) == 0 && ::signal(SIGTERM, SIG_DFL) == SIG_DFL ? "default" : "changed";
  });
  EXPECT_EQ(child.said, "default");
}

// ---- confine() ----

constexpr rlimit kDescriptors{.rlim_cur = 950, .rlim_max = 960};
constexpr uid_t kUser = 65534;
constexpr gid_t kGroup = 12345;

bool is_root() {
  return ::geteuid() == 0;
}

// Another user for a server that runs as root; else the change would be refused.
Identity another() {
  Identity identity{.groups = {}, .name = "joe", .home = "/home/joe"};
  if (!is_root()) return identity;
  identity.changes = true;
  identity.user = kUser;
  identity.group = kGroup;
  identity.groups = {kGroup, 777};
  return identity;
}

// Confines a child as told, and lets it tell what it is then; or the error.
std::string confined(const config::Confinement& confinement, const Identity& identity,
                     const std::function<std::string()>& tell) {
  return in_child([&]() -> std::string {
           const auto done = confine(confinement, identity, kDescriptors);
           return done ? tell() : done.error().message();
         })
      .said;
}

std::string limit_of(int resource) {
  rlimit limit{};
  ::getrlimit(static_cast<__rlimit_resource>(resource), &limit);
  return std::to_string(limit.rlim_cur) + "/" + std::to_string(limit.rlim_max);
}

TEST(Confine, by_default_descriptors_are_limited_and_new_privileges_forbidden) {
  EXPECT_EQ(
      confined({}, {},
               [] { return limit_of(RLIMIT_NOFILE) + " " + std::to_string(::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)); }),
      "950/960 1");
  config::Confinement confinement;
  confinement.no_new_privs = false;
  EXPECT_EQ(confined(confinement, {}, [] { return std::to_string(::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)); }), "0");
}

TEST(Confine, limits_are_set_soft_and_hard_and_the_apps_own_count_of_descriptors_wins) {
  config::Confinement confinement;
  confinement.rlimits = {{RLIMIT_NOFILE, "nofile", 920}, {RLIMIT_CORE, "core", 0}, {RLIMIT_FSIZE, "fsize", 4096}};
  EXPECT_EQ(
      confined(confinement, {},
               [] { return limit_of(RLIMIT_NOFILE) + " " + limit_of(RLIMIT_CORE) + " " + limit_of(RLIMIT_FSIZE); }),
      "920/920 0/0 4096/4096");
}

// More descriptors than the kernel allows anybody.
TEST(Confine, a_limit_that_cannot_be_had_is_named) {
  config::Confinement confinement;
  confinement.rlimits = {{RLIMIT_NOFILE, "nofile", 1ULL << 40}};
  EXPECT_THAT(confined(confinement, {}, [] { return "confined"; }),
              testing::AllOf(testing::HasSubstr("rlimits.nofile: setrlimit to 1099511627776"),
                             testing::HasSubstr("Operation not permitted")));
}

TEST(Confine, user_and_groups_are_changed_for_good) {
  const std::string who = confined({}, another(), [] {
    gid_t groups[64];
    const int count = ::getgroups(64, groups);
    std::string said = fmt::format("{} {} {}:", ::getuid(), ::geteuid(), ::getegid());
    for (int i = 0; i < count; ++i) said += fmt::format(" {}", groups[i]);
    return said + (::setuid(0) == 0 ? " root again" : " for good");
  });
  if (is_root()) {
    EXPECT_EQ(who, "65534 65534 12345: 777 12345 for good");
  } else {
    EXPECT_THAT(who, testing::StartsWith(fmt::format("{0} {0} {1}:", ::getuid(), ::getegid())));
  }
}

// The kernel lets nobody but root do it, and says so.
TEST(Confine, a_change_that_is_refused_is_an_error) {
  const std::string said = in_child([]() -> std::string {
                             if (is_root() && ::setresuid(kUser, kUser, kUser) != 0) return "setresuid";
                             const Identity root{.changes = true, .groups = {0}, .name = {}, .home = {}};
                             const auto done = confine({}, root, kDescriptors);
                             return done ? "confined" : done.error().message();
                           }).said;
  EXPECT_EQ(said, "user: setgroups: Operation not permitted");
}

TEST(Confine, the_worker_works_in_its_folder_with_its_umask) {
  const auto where = [] {
    char folder[4096];
    const mode_t mask = ::umask(0);
    return fmt::format("{} {:03o}", ::getcwd(folder, sizeof folder), mask);
  };
  EXPECT_EQ(confined({}, another(), where), "/ 022");
  config::Confinement confinement;
  confinement.directory = "/usr/lib";
  confinement.umask = 0077;
  EXPECT_EQ(confined(confinement, another(), where), "/usr/lib 077");
  confinement.directory = "/no/such";
  EXPECT_EQ(confined(confinement, another(), where), "directory: chdir /no/such: No such file or directory");
}

TEST(Confine, core_dumps_are_possible_again_where_they_are_wanted) {
  const auto dumpable = [] { return std::to_string(::prctl(PR_GET_DUMPABLE)); };
  config::Confinement confinement;
  EXPECT_EQ(confined(confinement, another(), dumpable), is_root() ? "0" : "1");
  confinement.rlimits = {{RLIMIT_CORE, "core", 0}};
  EXPECT_EQ(confined(confinement, another(), dumpable), is_root() ? "0" : "1");
  rlimit core{};
  ::getrlimit(RLIMIT_CORE, &core);
  confinement.rlimits = {{RLIMIT_CORE, "core", is_root() ? RLIM_INFINITY : core.rlim_max}};
  EXPECT_EQ(confined(confinement, another(), dumpable), "1");
}

TEST(Confine, memory_runs_out_in_a_worker_first) {
  const auto score = [] {
    std::string text;
    std::getline(std::ifstream("/proc/self/oom_score_adj") >> std::ws, text);
    return text;
  };
  const int before = std::stoi(score());
  EXPECT_EQ(confined({}, another(), score), std::to_string(std::min(before + 100, 1000)));
}

TEST(Confine, a_root_folder_without_proc_is_refused_and_says_what_to_mount) {
  std::string folder = testing::TempDir() + "forklift-jail-XXXXXX";
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  config::Confinement confinement;
  confinement.chroot = folder;
  const std::string said = confined(confinement, another(), [] { return "confined"; });
  std::filesystem::remove(folder);
  if (is_root()) {
    EXPECT_EQ(said, "chroot " + folder +
                        ": there is no /proc in it, through which the plugin is opened; mount a proc file " +
                        "system at " + folder + "/proc");
  } else {
    EXPECT_THAT(said, testing::HasSubstr("only a server that is started as root can"));
  }
}

// Neither has a server that was started in such a place. Only root can bring one there.
TEST(Confine, a_missing_proc_is_told_as_such_and_not_as_a_missing_plugin) {
  std::string folder = testing::TempDir() + "forklift-bare-XXXXXX";
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  const std::string said = in_child([&]() -> std::string {
                             if (is_root() && ::chroot(folder.c_str()) != 0) return "no chroot";
                             const auto done = confine({}, {}, kDescriptors);
                             return done ? "confined" : done.error().message();
                           }).said;
  std::filesystem::remove(folder);
  EXPECT_EQ(said, is_root() ? "there is no /proc, through which the plugin is opened; mount a proc file system at /proc"
                            : "confined");
}

// A root folder that has a /proc without any mount: the one that is there already.
TEST(Confine, a_root_folder_is_entered) {
  config::Confinement confinement;
  confinement.chroot = "/";
  confinement.directory = "/usr";
  const std::string said = confined(confinement, another(), [] {
    char folder[4096];
    return std::string(::getcwd(folder, sizeof folder));
  });
  EXPECT_EQ(said, is_root() ? "/usr" : "chroot / (only a server that is started as root can): Operation not permitted");
}

TEST(Environment, holds_nothing_of_the_masters_not_even_where_it_stood) {
  const std::string said = in_child([]() -> std::string {
                             ::setenv("MASTERS_SECRET", "before", 1);
                             const char* stood = ::getenv("MASTERS_SECRET");
                             const auto done = confine({}, another(), kDescriptors);
                             if (!done) return done.error().message();
                             std::string all = *stood ? std::string("still ") + stood + " " : "";
                             for (char** variable = environ; *variable; ++variable) all += std::string(*variable) + " ";
                             return all;
                           }).said;
  EXPECT_EQ(said, "PATH=/usr/local/bin:/usr/bin:/bin HOME=/home/joe USER=joe ");
}

TEST(Environment, is_what_the_app_says) {
  config::Confinement confinement;
  confinement.environment = {{"TZ", "UTC"}, {"HOME", "/srv"}, {"EMPTY", ""}};
  const auto all = [] {
    std::string said;
    for (char** variable = environ; *variable; ++variable) said += std::string(*variable) + " ";
    return said;
  };
  EXPECT_EQ(confined(confinement, another(), all),
            "PATH=/usr/local/bin:/usr/bin:/bin HOME=/srv USER=joe TZ=UTC EMPTY= ");
  EXPECT_EQ(confined(confinement, {}, all), "PATH=/usr/local/bin:/usr/bin:/bin TZ=UTC HOME=/srv EMPTY= ");
}

}  // namespace
}  // namespace forklift::worker
