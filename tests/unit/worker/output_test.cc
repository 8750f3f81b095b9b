#include "worker/output.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <string>

#include "../base/forked.h"

namespace forklift::worker {
namespace {

TEST(RedirectOutput, the_two_become_standard_output_and_error_and_survive_exec) {
  int output[2];
  int error[2];
  ASSERT_EQ(::pipe2(output, O_CLOEXEC), 0);
  ASSERT_EQ(::pipe2(error, O_CLOEXEC), 0);
  const Forked child = in_child([&]() -> std::string {
    if (auto done = redirect_output(output[1], error[1]); !done) return done.error().message();
    const std::string text = "to output";
    if (::write(STDOUT_FILENO, text.data(), text.size()) < 0) return "no output";
    if (::write(STDERR_FILENO, "to error", 8) < 0) return "no error";
    const bool inherited = ((::fcntl(STDOUT_FILENO, F_GETFD) | ::fcntl(STDERR_FILENO, F_GETFD)) & FD_CLOEXEC) == 0;
    return inherited ? "done" : "close-on-exec";
  });
  EXPECT_EQ(child.said, "done");
  char buffer[100];
  for (const auto& [end, expected] : {std::pair(output[0], "to output"), std::pair(error[0], "to error")}) {
    const ssize_t n = ::read(end, buffer, sizeof buffer);
    EXPECT_EQ(std::string(buffer, n < 0 ? 0 : static_cast<std::size_t>(n)), expected);
  }
  for (const int fd : {output[0], output[1], error[0], error[1]}) ::close(fd);
}

TEST(RedirectOutput, a_descriptor_that_is_none_is_an_error) {
  const Forked child = in_child([]() -> std::string {
    const auto done = redirect_output(700, 701);
    return done ? "done" : done.error().message();
  });
  EXPECT_EQ(child.said, "dup2 of standard output: Bad file descriptor");
}

}  // namespace
}  // namespace forklift::worker
