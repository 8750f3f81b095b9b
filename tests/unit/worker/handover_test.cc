// What of a lend goes to a plugin that reads the rest of its request from the socket: each byte once.
#include "worker/handover.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace forklift::worker {
namespace {

constexpr std::string_view kLentHead = "4:head,";

ipc::Lend lend_of(std::string_view bytes, std::size_t unread) {
  return {.bytes = static_cast<std::uint32_t>(bytes.size()),
          .head_bytes = static_cast<std::uint32_t>(kLentHead.size()),
          .unread = static_cast<std::uint32_t>(unread)};
}

TEST(HandoverTest, on_tcp_all_that_has_come_of_the_request_is_given) {
  for (const char* along : {"", "bo", "body"}) {
    const std::string bytes = std::string(kLentHead) + along;
    const Handover share = divide(lend_of(bytes, 0), bytes, 4);
    EXPECT_EQ(share.head, bytes);
    EXPECT_EQ(share.unread, 0U);
  }
}

TEST(HandoverTest, on_a_unix_socket_the_last_byte_of_a_body_that_has_come_is_left) {
  for (const std::size_t unread : {1, 2, 9}) {
    const std::string bytes = std::string(kLentHead) + "bo";
    const Handover share = divide(lend_of(bytes, unread), bytes, 4);
    EXPECT_EQ(share.head, std::string(kLentHead) + "b");
    EXPECT_EQ(share.unread, 1U);
  }
}

TEST(HandoverTest, without_a_body_the_whole_head_is_given_and_its_last_byte_left_all_the_same) {
  for (const std::size_t unread : {std::size_t{1}, kLentHead.size()}) {
    const Handover share = divide(lend_of(kLentHead, unread), kLentHead, 0);
    EXPECT_EQ(share.head, kLentHead);
    EXPECT_EQ(share.unread, 1U);
  }
}

TEST(HandoverTest, nothing_is_left_in_front_of_a_body_that_is_still_to_come) {
  const Handover share = divide(lend_of(kLentHead, 1), kLentHead, 4);
  EXPECT_EQ(share.head, kLentHead);
  EXPECT_EQ(share.unread, 0U);
}

TEST(HandoverTest, what_comes_behind_the_request_is_not_given) {
  for (const std::size_t unread : {0, 1, 2, 3, 14}) {
    const std::string bytes = std::string(kLentHead) + "bodySUR";
    const Handover share = divide(lend_of(bytes, unread), bytes, 4);
    EXPECT_EQ(share.head, std::string(kLentHead) + "body");
    EXPECT_EQ(share.unread, std::min<std::size_t>(unread, 3));
  }
}

}  // namespace
}  // namespace forklift::worker
