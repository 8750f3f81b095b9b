#include "base/lines.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace forklift {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::size_t kMax = LineAssembler::kPieceBytesMax;

// What comes of `text`, given in steps of `step` bytes, and an end.
std::vector<std::string> lines_of(std::string_view text, std::size_t step = std::string_view::npos) {
  std::vector<std::string> lines;
  const auto keep = [&lines](std::string_view line) { lines.emplace_back(line); };
  LineAssembler assembler;
  while (!text.empty()) {
    assembler.take(text.substr(0, step), keep);
    text.remove_prefix(std::min(step, text.size()));
  }
  assembler.finish(keep);
  return lines;
}

std::string x(std::size_t count) {
  return std::string(count, 'x');
}

TEST(Lines, each_comes_without_its_newline) {
  EXPECT_THAT(lines_of("one\ntwo\n"), ElementsAre("one", "two"));
}

TEST(Lines, empty_ones_are_lines_too) {
  EXPECT_THAT(lines_of("\n\na\n\n"), ElementsAre("", "", "a", ""));
}

TEST(Lines, nothing_is_no_line) {
  EXPECT_THAT(lines_of(""), IsEmpty());
}

TEST(Lines, the_last_one_needs_no_newline) {
  EXPECT_THAT(lines_of("one\ntw"), ElementsAre("one", "tw"));
}

TEST(Lines, all_other_bytes_are_text) {
  using namespace std::string_literals;
  EXPECT_THAT(lines_of("a\0b\n\x1b[31m\r\n\r\xff\n"s), ElementsAre("a\0b"s, "\x1b[31m\r"s, "\r\xff"s));
}

TEST(Lines, come_as_soon_as_they_are_whole) {
  std::vector<std::string> lines;
  const auto keep = [&lines](std::string_view line) { lines.emplace_back(line); };
  LineAssembler assembler;
  assembler.take("on", keep);
  EXPECT_THAT(lines, IsEmpty());
  assembler.take("e\ntwo\nthr", keep);
  EXPECT_THAT(lines, ElementsAre("one", "two"));
  assembler.take("ee", keep);
  assembler.take("\n", keep);
  EXPECT_THAT(lines, ElementsAre("one", "two", "three"));
  assembler.finish(keep);
  EXPECT_EQ(lines.size(), 3U);
}

TEST(Lines, one_of_exactly_the_limit_is_whole) {
  EXPECT_THAT(lines_of(x(kMax) + "\nb\n"), ElementsAre(x(kMax), "b"));
  EXPECT_THAT(lines_of(x(kMax)), ElementsAre(x(kMax)));
}

TEST(Lines, one_byte_more_makes_two_pieces_that_say_so) {
  EXPECT_THAT(lines_of(x(kMax) + "y\nb\n"), ElementsAre(x(kMax) + " ...", "... y", "b"));
  EXPECT_THAT(lines_of(x(kMax) + "y"), ElementsAre(x(kMax) + " ...", "... y"));
}

TEST(Lines, a_middle_piece_is_marked_at_both_ends) {
  EXPECT_THAT(lines_of(x(kMax) + x(kMax) + "y\n"), ElementsAre(x(kMax) + " ...", "... " + x(kMax) + " ...", "... y"));
  EXPECT_THAT(lines_of(x(kMax) + x(kMax) + "\n"), ElementsAre(x(kMax) + " ...", "... " + x(kMax)));
}

TEST(Lines, a_megabyte_without_a_newline_loses_nothing_and_holds_little) {
  std::string all;
  std::size_t pieces = 0;
  LineAssembler assembler;
  const auto collect = [&](std::string_view line) {
    ++pieces;
    if (line.starts_with("... ")) line.remove_prefix(4);
    if (line.ends_with(" ...")) line.remove_suffix(4);
    all += line;
  };
  std::size_t given = 0;
  for (; given < 1'000'000; given += 1000) {
    assembler.take(x(1000), collect);
    ASSERT_LE(given + 1000 - all.size(), kMax + 1000);
  }
  assembler.finish(collect);
  EXPECT_EQ(all, x(given));
  EXPECT_EQ(pieces, (given + kMax - 1) / kMax);
}

TEST(Lines, a_piece_splits_no_character) {
  const std::string euro = "\xe2\x82\xac";
  EXPECT_THAT(lines_of(x(kMax - 2) + euro + "\n"), ElementsAre(x(kMax - 2) + " ...", "... " + euro));
  EXPECT_THAT(lines_of(x(kMax - 1) + "\xe2\x82\n"), ElementsAre(x(kMax - 1) + "\xe2 ...", "... \x82"));
}

TEST(Lines, do_not_depend_on_how_the_bytes_come) {
  std::string text = "a\n\n" + x(kMax) + "\n" + x(kMax) + "y\n" + x(2 * kMax - 1) + "\xf0\x9f\x98\x80" + x(kMax) + "\n";
  for (const std::size_t behind : {1, 2, 3, 4}) text += x(kMax) + x(behind) + "\n";
  text += "end";
  const auto whole = lines_of(text);
  for (const std::size_t step : {1UL, 2UL, 3UL, 1000UL, kMax - 1, kMax, kMax + 1, kMax + 3}) {
    EXPECT_EQ(lines_of(text, step), whole) << "in steps of " << step;
  }
}

}  // namespace
}  // namespace forklift
