#include "ipc/message.h"

#include <gtest/gtest.h>

#include <string>

namespace forklift::ipc {
namespace {

TEST(Step, each_has_the_name_that_the_log_shows) {
  EXPECT_EQ(to_string(Step::kForked), "FORKED");
  EXPECT_EQ(to_string(Step::kImaged), "IMAGED");
  EXPECT_EQ(to_string(Step::kConfined), "CONFINED");
  EXPECT_EQ(to_string(Step::kLoaded), "LOADED");
  EXPECT_EQ(to_string(Step::kChecked), "CHECKED");
  EXPECT_EQ(to_string(Step::kCreated), "CREATED");
  EXPECT_EQ(to_string(Step::kReady), "READY");
}

TEST(Step, a_number_that_is_none_has_a_name_all_the_same) {
  EXPECT_EQ(to_string(static_cast<Step>(0)), "START");
  EXPECT_EQ(to_string(static_cast<Step>(0xffffffff)), "START");
}

TEST(Message, its_struct_is_taken_off_the_front_and_the_text_is_left) {
  const Failed sent{.step = Step::kLoaded};
  const std::string packet = std::string(reinterpret_cast<const char*>(&sent), sizeof sent) + "no such file";
  std::string_view bytes = packet;
  EXPECT_EQ(type_of(bytes), MessageType::kFailed);
  Failed got;
  ASSERT_TRUE(take(bytes, got));
  EXPECT_EQ(got.step, Step::kLoaded);
  EXPECT_EQ(bytes, "no such file");
}

TEST(Message, bytes_that_are_too_few_are_none_and_stay) {
  const std::string packet(sizeof(Done) - 1, '\1');
  std::string_view bytes = packet;
  Done done{.serial = 7};
  EXPECT_FALSE(take(bytes, done));
  EXPECT_EQ(bytes.size(), packet.size());
  EXPECT_EQ(done.serial, 7U);
  EXPECT_EQ(static_cast<std::uint32_t>(type_of("")), 0U);
  EXPECT_EQ(static_cast<std::uint32_t>(type_of("abc")), 0U);
}

}  // namespace
}  // namespace forklift::ipc
