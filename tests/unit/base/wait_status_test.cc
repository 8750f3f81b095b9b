#include "base/wait_status.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

namespace forklift {
namespace {

// What waitpid(2) says of a child that does `how`.
template <typename How>
int wait_status_of(How how) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    how();
    ::_exit(99);
  }
  int status = -1;
  EXPECT_EQ(::waitpid(pid, &status, 0), pid);
  return status;
}

TEST(WaitStatus, an_exit_is_told_by_its_status) {
  EXPECT_EQ(describe_wait_status(wait_status_of([] { ::_exit(0); })), "exited with status 0");
  EXPECT_EQ(describe_wait_status(wait_status_of([] { ::_exit(3); })), "exited with status 3");
}

TEST(WaitStatus, a_signal_is_told_by_number_and_meaning) {
  EXPECT_EQ(describe_wait_status(wait_status_of([] { ::raise(SIGKILL); })), "died of signal 9 (Killed)");
  EXPECT_EQ(describe_wait_status(wait_status_of([] { ::raise(SIGRTMIN + 5); })), "died of signal 39 (unknown)");
}

}  // namespace
}  // namespace forklift
