#include "base/quote.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "json_string.h"

namespace forklift {
namespace {

std::string every_byte() {
  std::string bytes;
  for (int c = 0; c < 256; ++c) bytes += static_cast<char>(c);
  return bytes;
}

bool is_printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
}

TEST(Quote, visible_ascii_stays_as_it_is) {
  EXPECT_EQ(quote("GET /a?b=c&d='e'"), "\"GET /a?b=c&d='e'\"");
  EXPECT_EQ(quote(""), "\"\"");
}

TEST(Quote, what_could_end_the_line_or_the_quotes_is_escaped_as_in_c) {
  EXPECT_EQ(quote("a\nb\rc\td\\e\"f"), R"("a\nb\rc\td\\e\"f")");
  EXPECT_EQ(quote("\x1b[31m"), R"("\x1b[31m")");
  EXPECT_EQ(quote(std::string_view("\0\x7f\xff", 3)), R"("\x00\x7f\xff")");
}

TEST(Quote, a_long_input_is_cut_and_the_cut_is_marked_behind_the_quotes) {
  EXPECT_EQ(quote("abcdef", 6), "\"abcdef\"");
  EXPECT_EQ(quote("abcdef", 5), "\"abcde\"...");
  EXPECT_EQ(quote("abcdef", 0), "\"\"...");
  EXPECT_EQ(quote(std::string(300, 'x')), "\"" + std::string(200, 'x') + "\"...");
  EXPECT_EQ(quote("\n\n\n", 2), R"("\n\n"...)") << "the limit counts the input's bytes";
}

TEST(Quote, a_character_is_not_cut) {
  EXPECT_EQ(quote("ab\xc3\xa9", 4), "\"ab\xc3\xa9\"");
  EXPECT_EQ(quote("ab\xc3\xa9", 3), "\"ab\"...");
  EXPECT_EQ(quote("ab\xc3\xa9", 2), "\"ab\"...");
}

TEST(Escape, harmless_utf8_stays_and_the_rest_is_escaped_byte_by_byte) {
  const std::string good = "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80";
  EXPECT_EQ(escape(good), good);
  EXPECT_EQ(escape_controls(good), good);
  EXPECT_EQ(escape("\xc2\x9b"
                   "31m"),
            R"(\xc2\x9b31m)")
      << "a terminal may take it for ESC [";
  EXPECT_EQ(escape("\xe2\x80\xa8\xe2\x80\xae\xe2\x81\xa6"), R"(\xe2\x80\xa8\xe2\x80\xae\xe2\x81\xa6)");
  EXPECT_EQ(escape("\xef\xbf\xbf"), R"(\xef\xbf\xbf)");
  EXPECT_EQ(escape("caf\xe9!"), R"(caf\xe9!)") << "Latin-1";
  EXPECT_EQ(escape("\xe2\x82"), R"(\xe2\x82)");
}

TEST(Escape, no_byte_gets_through_that_is_not_printable) {
  const std::string bytes = every_byte();
  EXPECT_TRUE(is_printable(escape(bytes)));
  EXPECT_TRUE(is_printable(escape_controls(bytes)));
  EXPECT_TRUE(is_printable(json_escape(bytes)));
}

TEST(Escape, different_bytes_look_different) {
  std::vector<std::string> all;
  for (const char c : every_byte()) all.push_back(escape({&c, 1}));
  std::sort(all.begin(), all.end());
  EXPECT_EQ(std::adjacent_find(all.begin(), all.end()), all.end());
}

TEST(EscapeControls, quotes_and_backslashes_of_a_text_for_people_stay) {
  EXPECT_EQ(escape_controls("app \"shop\": C:\\x\n\x1b"), "app \"shop\": C:\\x\\n\\x1b");
}

TEST(EscapeControls, ends_at_a_whole_character_or_escape) {
  EXPECT_EQ(escape_controls("ab\xc3\xa9"
                            "c",
                            4),
            "ab\xc3\xa9");
  EXPECT_EQ(escape_controls("ab\xc3\xa9"
                            "c",
                            3),
            "ab");
  EXPECT_EQ(escape_controls("ab\x1b"
                            "c",
                            6),
            R"(ab\x1b)");
  EXPECT_EQ(escape_controls("ab\x1b"
                            "c",
                            5),
            "ab");
  EXPECT_EQ(escape_controls("abc", 0), "");
}

TEST(JsonEscape, good_utf8_stays_and_what_is_harmful_goes_by_its_number) {
  EXPECT_EQ(json_escape("\xc3\xa9\xf0\x9f\x98\x80"), "\xc3\xa9\xf0\x9f\x98\x80");
  EXPECT_EQ(json_escape("\"\\\n\x7f"), R"(\"\\\u000a\u007f)");
  EXPECT_EQ(json_escape("\xe2\x80\xae\xc2\x85"), R"(\u202e\u0085)");
  EXPECT_EQ(json_escape("\xf0\x9f\xbf\xbe"), R"(\ud83f\udffe)");
  EXPECT_EQ(json_escape("\xff\xc3("), R"(\u00ff\u00c3()");
}

TEST(JsonEscape, is_valid_json_and_says_the_same_bytes) {
  const std::string bytes = every_byte();
  const auto decoded = decode_json_string(json_escape(bytes));
  ASSERT_TRUE(decoded);
  EXPECT_EQ(*decoded, bytes);
  EXPECT_EQ(json_escape("plain /text"), "plain /text");
}

}  // namespace
}  // namespace forklift
