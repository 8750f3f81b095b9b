#include "base/datagrams.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "receiver.h"

namespace forklift {
namespace {

using testing::HasSubstr;

class DatagramsTest : public testing::Test {
 protected:
  DatagramsTest() {
    std::string name = testing::TempDir() + "forklift-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    folder_ = name;
  }
  ~DatagramsTest() override { std::filesystem::remove_all(folder_); }

  std::string path() const { return folder_ + "/socket"; }

  std::string folder_;
};

TEST_F(DatagramsTest, arrive_at_a_path_and_at_an_abstract_name) {
  const std::string abstract = "@forklift-test-" + std::to_string(::getpid());
  for (const std::string& place : {path(), abstract}) {
    const Receiver receiver(place);
    auto to = Datagrams::connect(place);
    ASSERT_TRUE(to) << to.error().message();
    EXPECT_EQ(to->send("one"), 0);
    EXPECT_EQ(to->send("two"), 0);
    EXPECT_EQ(receiver.take(), "one");
    EXPECT_EQ(receiver.take(), "two");
  }
}

TEST_F(DatagramsTest, nobody_there_is_an_error_that_names_the_path) {
  const auto none = Datagrams::connect(path());
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().message(), "connect to " + path() + ": No such file or directory");
  EXPECT_EQ(none.error().code(), ENOENT);
  EXPECT_THAT(Datagrams::connect("/" + std::string(200, 'x')).error().message(), HasSubstr("longer"));
}

TEST_F(DatagramsTest, never_wait_for_a_receiver_that_does_not_read) {
  const Receiver receiver(path());
  auto to = Datagrams::connect(path());
  ASSERT_TRUE(to);
  int sent = 0;
  int error = 0;
  while (sent < 1'000'000 && (error = to->send("x")) == 0) ++sent;
  EXPECT_EQ(error, EAGAIN);
  EXPECT_EQ(receiver.take(), "x");
  EXPECT_EQ(to->send("y"), 0) << "there is room again";
}

TEST_F(DatagramsTest, find_a_receiver_that_was_restarted) {
  Receiver first(path());
  auto to = Datagrams::connect(path());
  ASSERT_TRUE(to);
  first.close();
  EXPECT_EQ(to->send("lost"), ECONNREFUSED);
  std::filesystem::remove(path());
  EXPECT_EQ(to->send("lost"), ENOENT);
  const Receiver second(path());
  EXPECT_EQ(to->send("found"), 0);
  EXPECT_EQ(second.take(), "found");
}

TEST_F(DatagramsTest, may_be_as_large_as_the_largest_line_of_the_log) {
  const Receiver receiver(path());
  auto to = Datagrams::connect(path());
  ASSERT_TRUE(to);
  EXPECT_EQ(to->send(std::string(4 * 64 * 1024, 'x')), 0);
  EXPECT_EQ(receiver.take().size(), 4U * 64 * 1024);
}

}  // namespace
}  // namespace forklift
