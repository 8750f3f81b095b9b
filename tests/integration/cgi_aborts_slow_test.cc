// A thousand clients that leave.
#include <gtest/gtest.h>

#include "harness/cgi_aborts.h"

namespace harness {
namespace {

TEST(CgiAborts, AThousandLeaveNothingBehind) {
  abort_programs(1000);
}

}  // namespace
}  // namespace harness
