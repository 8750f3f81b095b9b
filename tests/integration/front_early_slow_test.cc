// Early answers to bodies that are larger than what sockets hold: the front is still writing when they come.
#include "harness/early_answers.h"

namespace harness {
namespace {

TEST_P(EarlyAnswers, ArriveWithFourMegabytesUnread) {
  expect_hundred_of_each(4 << 20);
}

INSTANTIATE_TEST_SUITE_P(Behind, EarlyAnswers, all_front_roads(), testing::PrintToStringParamName());

}  // namespace
}  // namespace harness
