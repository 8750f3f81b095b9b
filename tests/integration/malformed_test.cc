// The whole server against a corpus of requests that are wrong, or right in an unusual way: the exact answers and the
// exact lines of the log.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/files.h"
#include "malformed/entry.h"
#include "malformed/stage.h"

namespace harness {
namespace {

std::vector<Entry> corpus() {
  return read_corpus(source_file("tests/integration/corpus"));
}

TEST(Malformed, EachRequestGetsItsAnswerAndItsLogLinesEveryTime) {
  ASSERT_GE(corpus().size(), 100u);
  Stage first;
  first.play(corpus(), Sending::kWhole);
  Stage second;
  second.play(corpus(), Sending::kWhole);
  EXPECT_EQ(first.lines(), second.lines());
}

TEST(Malformed, ByteByByteIsNoDifferent) {
  Stage stage;
  stage.play(corpus(), Sending::kBytewise);
}

}  // namespace
}  // namespace harness
