#include "worker/confine.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
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

TEST(LetGo, standard_input_is_empty_and_standard_output_goes_where_errors_go) {
  const Forked child = in_child([]() -> std::string {
    int ends[2];
    if (::pipe(ends) != 0) return "pipe";
    ::dup2(ends[1], STDERR_FILENO);
    const int keep[] = {kReport, ends[0]};
    if (!let_go(keep)) return "let_go";
    char byte = 0;
    std::string said = ::read(STDIN_FILENO, &byte, 1) == 0 ? "empty " : "not empty ";
    if (::write(STDOUT_FILENO, "x", 1) != 1 || ::read(ends[0], &byte, 1) != 1) return "no output";
    return said + byte;
  });
  EXPECT_EQ(child.said, "empty x");
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

TEST(Confine, limits_descriptors_and_forbids_new_privileges) {
  const Forked child = in_child([]() -> std::string {
    if (!confine({.rlim_cur = 950, .rlim_max = 960})) return "confine";
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    return std::to_string(limit.rlim_cur) + " " + std::to_string(limit.rlim_max) + " " +
           std::to_string(::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
  });
  EXPECT_EQ(child.said, "950 960 1");
}

}  // namespace
}  // namespace forklift::worker
