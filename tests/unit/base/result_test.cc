#include "base/result.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>

#include "base/unique_fd.h"

namespace forklift {
namespace {

TEST(Error, context_is_put_in_front_and_the_errno_stays) {
  const Error error = Error("open /x: No such file or directory", ENOENT).in("image").in("app \"shop\"");
  EXPECT_EQ(error.message(), "app \"shop\": image: open /x: No such file or directory");
  EXPECT_EQ(error.code(), ENOENT);
}

TEST(Error, a_failed_system_call_says_what_and_why) {
  errno = EACCES;
  const Result<void> failed = fail_errno("bind");
  EXPECT_EQ(failed.error().message(), "bind: Permission denied");
  EXPECT_EQ(failed.error().code(), EACCES);
  EXPECT_EQ(describe_errno(99999), "error 99999");
  const Result<int> formatted = fail("more than {} apps", 3);
  EXPECT_EQ(formatted.error().message(), "more than 3 apps");
  EXPECT_EQ(formatted.error().code(), 0);
}

bool is_open(int fd) {
  return ::fcntl(fd, F_GETFD) >= 0;
}

TEST(UniqueFd, closes_what_it_owns_and_nothing_else) {
  const int a = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  const int b = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  {
    UniqueFd first(a);
    UniqueFd second(std::move(first));
    EXPECT_FALSE(first);
    EXPECT_TRUE(is_open(a));
    second = UniqueFd(b);
    EXPECT_FALSE(is_open(a));
    second = std::move(second);
    EXPECT_EQ(second.get(), b) << "assigning it to itself changes nothing";
    EXPECT_EQ(second.release(), b);
    EXPECT_FALSE(second);
  }
  EXPECT_TRUE(is_open(b));
  UniqueFd(b).reset();
  EXPECT_FALSE(is_open(b));
}

}  // namespace
}  // namespace forklift
