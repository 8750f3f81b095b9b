// Early answers to small and middling bodies. The slow form of this scenario has the large ones.
#include "harness/early_answers.h"

namespace harness {
namespace {

TEST_P(EarlyAnswers, ArriveWithTenBytesUnread) {
  expect_hundred_of_each(10);
}

TEST_P(EarlyAnswers, ArriveWithSixtyFourKilobytesUnread) {
  expect_hundred_of_each(64 << 10);
}

INSTANTIATE_TEST_SUITE_P(Behind, EarlyAnswers, all_front_roads(), testing::PrintToStringParamName());

}  // namespace
}  // namespace harness
