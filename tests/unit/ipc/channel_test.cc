#include "ipc/channel.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "../base/forked.h"
#include "ipc/message.h"

namespace forklift::ipc {
namespace {

using testing::HasSubstr;

constexpr std::size_t kMost = 80 * 1024;

class ChannelTest : public testing::Test {
 protected:
  void SetUp() override {
    auto pair = Channel::make_pair(kMost);
    ASSERT_TRUE(pair) << pair.error().message();
    master_ = std::move(pair->first);
    worker_ = std::move(pair->second);
  }

  // The next message's bytes; "end" when the other side is gone, "none" where nothing is there, else the error.
  std::string receive(Channel& channel, std::size_t room = 1000, UniqueFd* fd = nullptr) {
    std::string bytes(room, '\0');
    iovec part{bytes.data(), bytes.size()};
    auto received = channel.receive({&part, 1}, Wait::kNo);
    if (!received) return "error: " + received.error().message();
    if (!*received) return "none";
    if ((*received)->bytes == 0) return "end";
    if ((*received)->lost_fd) return "lost its descriptor";
    if (fd) *fd = std::move((*received)->fd);
    return bytes.substr(0, (*received)->bytes);
  }

  Result<void> send(Channel& channel, std::string_view text, int fd = -1, Wait wait = Wait::kNo) {
    const iovec part{const_cast<char*>(text.data()), text.size()};
    return channel.send({&part, 1}, fd, wait);
  }

  Channel master_, worker_;
};

ino_t inode_of(int fd) {
  struct stat status {};
  return ::fstat(fd, &status) == 0 ? status.st_ino : 0;
}

TEST_F(ChannelTest, messages_keep_their_borders_and_their_order) {
  for (const char* text : {"one", "and two", "3"}) ASSERT_TRUE(send(master_, text));
  EXPECT_EQ(receive(worker_), "one");
  EXPECT_EQ(receive(worker_), "and two");
  EXPECT_EQ(receive(worker_), "3");
  EXPECT_EQ(receive(worker_), "none");
}

TEST_F(ChannelTest, parts_are_one_message_and_can_be_received_in_parts) {
  ASSERT_TRUE(master_.send(Lend{.bytes = 5, .head_bytes = 4, .unread = 3, .serial = 2}, "bytes"));
  Lend lend;
  char text[100];
  iovec parts[] = {{&lend, sizeof lend}, {text, sizeof text}};
  const auto received = worker_.receive(parts, Wait::kYes);
  ASSERT_TRUE(received && *received);
  EXPECT_EQ((*received)->bytes, sizeof lend + 5);
  EXPECT_EQ(lend.type, MessageType::kLend);
  EXPECT_EQ(lend.serial, 2U);
  EXPECT_EQ(std::string(text, 5), "bytes");
}

TEST_F(ChannelTest, a_descriptor_is_duplicated_and_close_on_exec) {
  const UniqueFd file(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  ASSERT_TRUE(send(master_, "with", file.get()));
  ASSERT_TRUE(send(master_, "without"));
  UniqueFd got;
  EXPECT_EQ(receive(worker_, 100, &got), "with");
  ASSERT_TRUE(got);
  EXPECT_NE(got.get(), file.get());
  EXPECT_EQ(inode_of(got.get()), inode_of(file.get()));
  EXPECT_EQ(::fcntl(got.get(), F_GETFD), FD_CLOEXEC);
  EXPECT_EQ(receive(worker_, 100, &got), "without");
  EXPECT_FALSE(got);
}

TEST_F(ChannelTest, both_ends_are_close_on_exec) {
  EXPECT_EQ(::fcntl(master_.fd(), F_GETFD), FD_CLOEXEC);
  EXPECT_EQ(::fcntl(worker_.fd(), F_GETFD), FD_CLOEXEC);
}

TEST_F(ChannelTest, a_message_that_is_longer_than_expected_is_an_error_and_its_descriptor_is_not_kept) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const UniqueFd out(ends[0]);
  UniqueFd in(ends[1]);
  ASSERT_TRUE(send(master_, "12345", in.get()));
  in.reset();
  EXPECT_THAT(receive(worker_, 4), HasSubstr("longer than the receiver allows"));
  char byte = 0;
  EXPECT_EQ(::read(out.get(), &byte, 1), 0) << "somebody still holds the writing end";
  ASSERT_TRUE(send(master_, "next"));
  EXPECT_EQ(receive(worker_, 4), "next");
}

TEST_F(ChannelTest, a_second_descriptor_is_an_error_and_none_of_them_is_kept) {
  for (const std::size_t count : {2U, 3U, 20U}) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const UniqueFd out(ends[0]);
    UniqueFd in(ends[1]);
    alignas(cmsghdr) char control[CMSG_SPACE(20 * sizeof(int))] = {};
    iovec part{const_cast<char*>("x"), 1};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(count * sizeof(int));
    cmsghdr* c = CMSG_FIRSTHDR(&message);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(count * sizeof(int));
    for (std::size_t i = 0; i < count; ++i) std::memcpy(CMSG_DATA(c) + i * sizeof(int), &ends[1], sizeof(int));
    ASSERT_EQ(::sendmsg(master_.fd(), &message, 0), 1);
    in.reset();
    EXPECT_THAT(receive(worker_), HasSubstr("descriptor"));
    char byte = 0;
    EXPECT_EQ(::read(out.get(), &byte, 1), 0) << count << ": somebody still holds the writing end";
  }
}

TEST_F(ChannelTest, a_control_message_of_another_type_is_an_error) {
  const int on = 1;  // SCM_CREDENTIALS comes along
  ASSERT_EQ(::setsockopt(worker_.fd(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on), 0);
  ASSERT_TRUE(send(master_, "x"));
  EXPECT_THAT(receive(worker_), HasSubstr("descriptor"));
}

TEST_F(ChannelTest, a_descriptor_that_did_not_fit_into_the_table_is_missed) {
  const Forked child = in_child([this]() -> std::string {
    const UniqueFd file(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    if (!send(master_, "with", file.get())) return "not sent";
    const rlimit full{static_cast<rlim_t>(file.get()) + 1, 1000};
    if (::setrlimit(RLIMIT_NOFILE, &full) != 0) return "setrlimit";
    while (::open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0) continue;
    return receive(worker_);
  });
  EXPECT_EQ(child.said, "lost its descriptor");
}

TEST_F(ChannelTest, nothing_there_is_no_end_and_no_error) {
  EXPECT_EQ(receive(worker_), "none");
  EXPECT_EQ(receive(master_), "none");
}

TEST_F(ChannelTest, what_was_said_is_read_before_the_end) {
  ASSERT_TRUE(send(worker_, "last words"));
  worker_.close();
  EXPECT_EQ(receive(master_), "last words");
  EXPECT_EQ(receive(master_), "end");
  EXPECT_EQ(receive(master_), "end");
}

// A worker that dies with something unread makes the kernel report ECONNRESET first, and only then what it has said.
TEST_F(ChannelTest, what_was_said_is_read_although_the_other_side_had_not_read_everything) {
  ASSERT_TRUE(send(worker_, "DONE"));
  ASSERT_TRUE(send(worker_, "last words"));
  ASSERT_TRUE(send(master_, "never read"));
  worker_.close();
  EXPECT_EQ(receive(master_), "DONE");
  EXPECT_EQ(receive(master_), "last words");
  EXPECT_EQ(receive(master_), "end");
}

TEST_F(ChannelTest, sending_to_one_that_is_gone_is_an_error_and_no_signal) {
  worker_.close();
  const auto sent = send(master_, "x");
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code(), EPIPE);
}

TEST_F(ChannelTest, a_full_channel_refuses_instead_of_waiting_and_loses_nothing) {
  const std::string text(10'000, 'x');
  std::size_t sent = 0;
  Result<void> result;
  while ((result = send(master_, text)) && sent < 100'000) ++sent;
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), EAGAIN);
  EXPECT_GT(sent, 0U);
  for (std::size_t i = 0; i < sent; ++i) ASSERT_EQ(receive(worker_, text.size()), text);
  EXPECT_EQ(receive(worker_), "none");
}

class ChannelSizeTest : public testing::TestWithParam<std::size_t> {};
INSTANTIATE_TEST_SUITE_P(head_limits, ChannelSizeTest, testing::Values(1024, 64 * 1024, 256 * 1024, 1024 * 1024));

TEST_P(ChannelSizeTest, the_largest_lend_passes_with_its_descriptor) {
  const std::size_t bytes = lend_bytes_max(GetParam());
  auto pair = Channel::make_pair(sizeof(Lend) + bytes);
  ASSERT_TRUE(pair) << pair.error().message();
  std::string text(bytes, 'a');
  text.back() = 'z';
  const UniqueFd file(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const auto sent = pair->first.send(Lend{}, text, file.get(), Wait::kNo);
  ASSERT_TRUE(sent) << sent.error().message();

  Lend lend;
  std::string got(bytes, '\0');
  iovec parts[] = {{&lend, sizeof lend}, {got.data(), got.size()}};
  const auto received = pair->second.receive(parts, Wait::kNo);
  ASSERT_TRUE(received && *received) << received.error().message();
  EXPECT_EQ((*received)->bytes, sizeof lend + bytes);
  EXPECT_TRUE((*received)->fd);
  EXPECT_EQ(got, text);
}

// As an ordinary user, who may not go beyond net.core.wmem_max.
TEST(Channel, a_size_that_the_kernel_does_not_grant_is_refused_with_what_to_do) {
  const Forked child = in_child([]() -> std::string {
    if (::geteuid() == 0 && ::setuid(65534) != 0) return "setuid";
    const auto pair = Channel::make_pair(512 * 1024 * 1024);
    return pair ? "granted" : pair.error().message();
  });
  EXPECT_THAT(child.said, testing::AllOf(HasSubstr("lower limits.head"), HasSubstr("net.core.wmem_max to 26843")));
}

TEST(Channel, knows_what_net_core_wmem_max_allows) {
  const Forked child = in_child([]() -> std::string {
    if (::geteuid() == 0 && ::setuid(65534) != 0) return "setuid";
    const auto wmem_max = Channel::wmem_max();
    if (!wmem_max) return wmem_max.error().message();
    const std::size_t most = Channel::message_bytes_max(*wmem_max);
    if (Channel::wmem_max_for(most) != *wmem_max || Channel::wmem_max_for(most + 1) <= *wmem_max) return "wrong";
    if (const auto largest = Channel::make_pair(most); !largest) return largest.error().message();
    return Channel::make_pair(most + 1) ? "more is allowed" : "known";
  });
  EXPECT_EQ(child.said, "known");
}

}  // namespace
}  // namespace forklift::ipc
