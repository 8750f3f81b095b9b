#include "machine/elsewhere.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <stdexcept>
#include <string>

namespace forklift::machine {
namespace {

// Longer than anything here takes, and long enough to be noticed.
constexpr Duration kLong = seconds(10);

TEST(Elsewhere, is_another_process_whose_text_comes_back) {
  const auto pid = say_elsewhere([] { return std::to_string(::getpid()); }, kLong);
  ASSERT_TRUE(pid);
  EXPECT_NE(*pid, std::to_string(::getpid()));
  EXPECT_EQ(say_elsewhere([] { return std::string(300'000, 'x'); }, kLong), std::string(300'000, 'x'));
}

TEST(Elsewhere, nothing_is_left_behind_and_nothing_waited_for) {
  const auto begin = Clock::now();
  const auto hangs = say_elsewhere(
      []() -> std::string {
        while (true) ::pause();
      },
      milliseconds(200));
  ASSERT_FALSE(hangs);
  EXPECT_EQ(hangs.error().code(), ETIMEDOUT);
  EXPECT_LT(Clock::now() - begin, seconds(5));
  EXPECT_EQ(say_elsewhere([]() -> std::string { throw std::runtime_error("no"); }, kLong), "");
  EXPECT_EQ(say_elsewhere(
                []() -> std::string {
                  ::raise(SIGKILL);
                  return "alive";
                },
                kLong),
            "");
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
}

}  // namespace
}  // namespace forklift::machine
