#include "head.h"

#include <gmock/gmock.h>

namespace cgi {
namespace {

using testing::HasSubstr;

// What `bytes`, fed in pieces, leave behind the block.
std::string rest_of(std::string_view bytes, std::size_t piece, HeadReader& head) {
  std::string rest;
  while (!bytes.empty()) {
    std::string_view part = bytes.substr(0, piece);
    bytes.remove_prefix(part.size());
    head.take(part);
    EXPECT_TRUE(head.complete() || part.empty());
    rest += part;
  }
  return rest;
}

std::string problem_of(std::string_view block) {
  try {
    parse_head(block);
  } catch (const BadHead& bad) {
    return bad.what();
  }
  return "none";
}

TEST(Head, EndsAtTheBlankLineWhereverItIsSplit) {
  for (const std::string block : {"A: b\nC: d\n\n", "A: b\r\nC: d\r\n\r\n", "A: b\r\nC: d\n\r\n", "A: b\nC: d\r\n\n"}) {
    for (std::size_t piece = 1; piece <= block.size() + 7; ++piece) {
      HeadReader head(1000);
      EXPECT_EQ(rest_of(block + "the\n\npage", piece, head), "the\n\npage") << block << piece;
      EXPECT_EQ(head.block(), block);
    }
  }
}

TEST(Head, IsNotCompleteWithoutIt) {
  for (const char* block : {"", "A: b", "A: b\n", "A: b\r\n", "A: b\r\n\r", "A: b\n\r\r\n"}) {
    HeadReader head(1000);
    std::string_view bytes = block;
    head.take(bytes);
    EXPECT_FALSE(head.complete()) << block;
    EXPECT_EQ(head.block(), block);
  }
}

TEST(Head, HasALimit) {
  const std::string block = "A: " + std::string(92, 'x') + "\n\n";
  for (const std::size_t piece : {std::size_t{1}, std::size_t{10}, block.size()}) {
    HeadReader enough(block.size());
    EXPECT_EQ(rest_of(block + "page", piece, enough), "page");
    HeadReader short_of_one(block.size() - 1);
    EXPECT_THROW(rest_of(block, piece, short_of_one), BadHead);
  }
}

TEST(Head, BytesThatAreNoHeadersAreQuoted) {
  EXPECT_THAT(problem_of("<html>\x1b\n\n"), HasSubstr("begins with a line that is no header: \"<html>\\x1b\""));
  EXPECT_THAT(problem_of("A: b\nnothing\n\n"), HasSubstr("among its headers, a line that is no header: \"nothing\""));
  EXPECT_THAT(problem_of(": b\n\n"), HasSubstr("\": b\""));
  EXPECT_THAT(problem_of("\n"), HasSubstr("blank line"));
  EXPECT_THAT(problem_of("Location: \n\n"), HasSubstr("an empty Location"));
  EXPECT_THAT(problem_of("Location: /a\nlocation: http://b\n\n"),
              HasSubstr("a second Location: \"location: http://b\""));
  EXPECT_THAT(problem_of("HTTP/1.1 200 OK\r\nA: b\r\n\r\n"), HasSubstr("(NPH)"));
}

TEST(Head, SaysWhetherAPageFollows) {
  EXPECT_TRUE(parse_head("A: b\n\n").has_page);
  EXPECT_TRUE(parse_head("Status: 404 Not Found\n\n").has_page);
  EXPECT_FALSE(parse_head("Status: 204 No Content\n\n").has_page);
  EXPECT_FALSE(parse_head("status:304\n\n").has_page);
}

TEST(Head, ALocalRedirectionIsAPathWithoutAStatus) {
  const auto redirection = [](std::string_view block) { return parse_head(block).local_redirection; };
  EXPECT_EQ(redirection("Location: /elsewhere?a=b\n\n"), "/elsewhere?a=b");
  EXPECT_EQ(redirection("location:\t/x \r\n\r\n"), "/x");
  EXPECT_EQ(redirection("Location: http://host/x\n\n"), std::nullopt);
  EXPECT_EQ(redirection("Location: //host/x\n\n"), std::nullopt);
  EXPECT_EQ(redirection("Location: x\n\n"), std::nullopt);
  EXPECT_EQ(redirection("Status: 302 Found\nLocation: /x\n\n"), std::nullopt);
  EXPECT_EQ(redirection("Location: /x\nStatus: 302 Found\n\n"), std::nullopt);
}

}  // namespace
}  // namespace cgi
