#include "lines.h"

#include <gmock/gmock.h>

#include <vector>

namespace cgi {
namespace {

using testing::ElementsAre;

class LinesTest : public testing::Test {
 protected:
  std::vector<std::string> written_;
  Lines lines_{[this](std::string_view line) { written_.emplace_back(line); }};
};

TEST_F(LinesTest, AreWholeHoweverTheyCome) {
  for (const char c : std::string("one\ntwo\r\n\nthree")) lines_.feed({&c, 1});
  EXPECT_THAT(written_, ElementsAre("one", "two", ""));
  lines_.finish();
  EXPECT_THAT(written_, ElementsAre("one", "two", "", "three"));
  lines_.finish();
  EXPECT_EQ(written_.size(), 4U);
}

TEST_F(LinesTest, ALongOneIsContinuedAndNothingOfItIsLost) {
  const std::string line(20'000, 'x');
  lines_.feed(line + "\nnext\n");
  ASSERT_EQ(written_.size(), 4U);
  EXPECT_EQ(written_[0], std::string(7000, 'x') + " ...");
  EXPECT_EQ(written_[1], "... " + std::string(7000, 'x') + " ...");
  EXPECT_EQ(written_[2], "... " + std::string(6000, 'x'));
  EXPECT_EQ(written_[3], "next");
}

TEST_F(LinesTest, PiecesFitTheLogAlsoWhenTheyAreEscaped) {
  lines_.feed(std::string(50'000, '\x1b') + "\n");
  std::size_t bytes = 0;
  for (const auto& line : written_) {
    const auto escapes = static_cast<std::size_t>(std::count(line.begin(), line.end(), '\x1b'));
    EXPECT_LE(escapes * 4, 7000U);
    bytes += escapes;
  }
  EXPECT_EQ(bytes, 50'000U);
}

TEST_F(LinesTest, CharactersStayWhole) {
  std::string line = "a";
  for (int i = 0; i < 5000; ++i) line += "\xe2\x82\xac";
  lines_.feed(line + "\n");
  ASSERT_GT(written_.size(), 2U);
  for (const auto& piece : written_) {
    EXPECT_EQ(std::count(piece.begin(), piece.end(), '\xe2'), std::count(piece.begin(), piece.end(), '\xac')) << piece;
  }
}

}  // namespace
}  // namespace cgi
