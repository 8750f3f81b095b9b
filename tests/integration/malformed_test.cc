// The whole server against a corpus of requests that are wrong, or right in an unusual way: the exact answers and the
// exact lines of the log.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "harness/files.h"
#include "malformed/byte_string.h"
#include "malformed/entry.h"
#include "malformed/stage.h"

namespace harness {
namespace {

using namespace std::string_literals;

TEST(ByteString, IsWhatStandsInQuotes) {
  EXPECT_EQ(read_byte_string(R"("a\00" "\n\r\t\"\\" "\x1b0\xff")"),
            "a\0"
            "0\n\r\t\"\\\x1b"
            "0\xff"s);
  EXPECT_EQ(read_byte_string(R"("V\i;"*3 ""  "x"*0)"), "V0;V1;V2;");
  for (const char* wrong : {"a", "\"a", "\"a\\", "\"a\\\"", "\"\\q\"", "\"\\xg\"", "\"a\"*", "\"a\" b"}) {
    EXPECT_THROW(read_byte_string(wrong), std::runtime_error) << wrong;
  }
}

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
