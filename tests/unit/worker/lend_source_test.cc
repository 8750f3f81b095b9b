#include "worker/lend_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "../base/forked.h"
#include "line.h"

namespace forklift::worker {
namespace {

using testing::HasSubstr;

constexpr std::size_t kHeadLimit = 4096;

class LendSourceTest : public testing::Test {
 protected:
  void SetUp() override {
    auto pair = ipc::Channel::make_pair(sizeof(ipc::Lend) + ipc::lend_bytes_max(kHeadLimit));
    ASSERT_TRUE(pair);
    master_ = std::move(pair->first);
    worker_ = std::move(pair->second);
  }
  void lend(std::string_view bytes, std::uint64_t serial) {
    const ipc::Lend lend{
        .bytes = static_cast<std::uint32_t>(bytes.size()), .head_bytes = 3, .unread = 1, .serial = serial};
    ASSERT_TRUE(master_.send(lend, bytes, line_.server()));
  }

  ipc::Channel master_, worker_;
  Line line_{Kind::kUnix};
};

TEST_F(LendSourceTest, a_lend_comes_with_its_bytes_and_its_connection) {
  LendSource source(worker_, ipc::lend_bytes_max(kHeadLimit));
  lend("head and body", 8);
  auto lent = source.next();
  ASSERT_TRUE(lent && *lent);
  EXPECT_EQ(std::string((*lent)->bytes.begin(), (*lent)->bytes.end()), "head and body");
  EXPECT_EQ((*lent)->lend.head_bytes, 3U);
  EXPECT_EQ((*lent)->lend.unread, 1U);
  EXPECT_EQ(::send((*lent)->connection.get(), "x", 1, 0), 1);
  EXPECT_EQ(line_.read_some(10), "x");
}

TEST_F(LendSourceTest, the_largest_lend_fits) {
  LendSource source(worker_, ipc::lend_bytes_max(kHeadLimit));
  const std::string largest(ipc::lend_bytes_max(kHeadLimit), 'b');
  lend(largest, 1);
  auto lent = source.next();
  ASSERT_TRUE(lent && *lent) << lent.error().message();
  EXPECT_EQ((*lent)->bytes.size(), largest.size());
}

TEST_F(LendSourceTest, after_drain_and_after_the_masters_end_there_is_no_next_one) {
  LendSource source(worker_, ipc::lend_bytes_max(kHeadLimit));
  ASSERT_TRUE(master_.send(ipc::Drain{}));
  auto lent = source.next();
  ASSERT_TRUE(lent);
  EXPECT_FALSE(*lent);
  master_.close();
  lent = source.next();
  ASSERT_TRUE(lent);
  EXPECT_FALSE(*lent);
}

TEST_F(LendSourceTest, what_is_no_lend_is_an_error_and_nothing_is_taken) {
  LendSource source(worker_, ipc::lend_bytes_max(kHeadLimit));
  ASSERT_TRUE(master_.send(ipc::Lend{.bytes = 3, .serial = 1}, "abc"));  // without a descriptor
  EXPECT_THAT(source.next().error().message(), HasSubstr("no lend"));
  ASSERT_TRUE(master_.send(ipc::Lend{.bytes = 4, .serial = 1}, "abc", line_.server()));
  EXPECT_THAT(source.next().error().message(), HasSubstr("no lend"));
  ASSERT_TRUE(master_.send(ipc::Done{}, "", line_.server()));
  EXPECT_THAT(source.next().error().message(), HasSubstr("no lend"));
}

TEST_F(LendSourceTest, where_a_standard_descriptor_is_missing_nothing_is_taken) {
  const Forked child = in_child([this]() -> std::string {
    LendSource source(worker_, ipc::lend_bytes_max(kHeadLimit));
    lend("head and body", 8);
    ::close(STDOUT_FILENO);
    auto lent = source.next();
    const bool is_closed = ::fcntl(STDOUT_FILENO, F_GETFD) < 0;
    return lent ? "taken" : fmt::format("{} {}", is_closed, lent.error().message());
  });
  EXPECT_EQ(child.said,
            "true the plugin has closed its standard output (descriptor 1), and a connection came in its place");
}

TEST_F(LendSourceTest, done_reaches_the_master) {
  LendSource source(worker_, ipc::lend_bytes_max(kHeadLimit));
  ASSERT_TRUE(source.done({.ending = ipc::Ending::kLinger, .serial = 8, .status = 200}));
  ipc::Done done;
  iovec part{&done, sizeof done};
  ASSERT_TRUE(master_.receive({&part, 1}, ipc::Wait::kNo));
  EXPECT_EQ(done.type, ipc::MessageType::kDone);
  EXPECT_EQ(done.ending, ipc::Ending::kLinger);
  EXPECT_EQ(done.serial, 8U);
  master_.close();
  EXPECT_FALSE(source.done({}));
}

}  // namespace
}  // namespace forklift::worker
