#include "cli/head_room.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace forklift::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;

constexpr std::size_t kLinuxDefault = 212'992;

TEST(HeadRoom, is_there_for_what_the_page_of_the_keys_says) {
  EXPECT_EQ(note_of_heads(64 * 1024, kLinuxDefault), "");
  EXPECT_EQ(note_of_heads(390 * 1024, kLinuxDefault), "");
  EXPECT_NE(note_of_heads(400 * 1024, kLinuxDefault), "");
}

TEST(HeadRoom, that_is_missing_is_told_with_what_to_do) {
  const std::string note = note_of_heads(1024 * 1024, kLinuxDefault);
  EXPECT_THAT(note, AllOf(HasSubstr("1M takes a server with CAP_NET_ADMIN"), HasSubstr("net.core.wmem_max"),
                          HasSubstr("it is 212992"), HasSubstr("write at most 395K")));
  EXPECT_EQ(note_of_heads(395 * 1024, kLinuxDefault), "");
  const std::size_t needed = std::stoul(note.substr(note.find("to be ") + 6));
  EXPECT_EQ(note_of_heads(1024 * 1024, needed), "");
  EXPECT_NE(note_of_heads(1024 * 1024, needed - 1), "");
}

TEST(HeadRoom, may_be_too_small_for_any_head) {
  EXPECT_THAT(note_of_heads(64 * 1024, 4608), testing::EndsWith("it is 4608)"));
}

}  // namespace
}  // namespace forklift::cli
