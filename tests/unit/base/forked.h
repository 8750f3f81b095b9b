// Runs a piece of a test in a process of its own, where it may change what belongs to a process: signals, limits,
// descriptors.
#pragma once

#include <grp.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <exception>
#include <functional>
#include <string>

#include "base/unique_fd.h"

namespace forklift {

// What became of the child: what its function returned, and its wait status.
struct Forked {
  std::string said;
  int status = 0;
};

// Forks, calls `work` in the child and returns what it said. A child that hangs is killed by SIGALRM after twenty
// seconds.
inline Forked in_child(const std::function<std::string()>& work) {
  int ends[2];
  if (::pipe(ends) != 0) return {"pipe failed", -1};
  const pid_t pid = ::fork();
  if (pid == 0) {
    // The pipe stands high, so that the work may close or count the low descriptors.
    const int back = ::dup2(ends[1], 900);
    ::close(ends[0]);
    ::close(ends[1]);
    ::alarm(20);
    std::string said;
    try {
      said = work();
    } catch (const std::exception& e) {
      said = e.what();
    }
    const ssize_t written = ::write(back, said.data(), said.size());
    ::_exit(written == static_cast<ssize_t>(said.size()) ? 0 : 99);
  }
  const UniqueFd from(ends[0]);
  ::close(ends[1]);
  Forked result;
  char buffer[4096];
  ssize_t n = 0;
  while ((n = ::read(from.get(), buffer, sizeof buffer)) > 0) result.said.append(buffer, static_cast<std::size_t>(n));
  ::waitpid(pid, &result.status, 0);
  EXPECT_TRUE(WIFEXITED(result.status) && WEXITSTATUS(result.status) == 0) << "wait status " << result.status;
  return result;
}

// Debian's user and group of this name.
inline constexpr uid_t kNobody = 65534;

// In a child: makes an ordinary user of root; false where that fails.
inline bool become_nobody() {
  return ::geteuid() != 0 || (::setgroups(0, nullptr) == 0 && ::setgid(kNobody) == 0 && ::setuid(kNobody) == 0);
}

}  // namespace forklift
