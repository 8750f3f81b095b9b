#include "base/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace forklift {
namespace {

// Straight from the definition.
std::string encode(char32_t code) {
  const auto byte = [](char32_t value) { return static_cast<char>(value); };
  if (code < 0x80) return {byte(code)};
  if (code < 0x800) return {byte(0xc0 | code >> 6), byte(0x80 | (code & 0x3f))};
  if (code < 0x10000) return {byte(0xe0 | code >> 12), byte(0x80 | (code >> 6 & 0x3f)), byte(0x80 | (code & 0x3f))};
  return {byte(0xf0 | code >> 18), byte(0x80 | (code >> 12 & 0x3f)), byte(0x80 | (code >> 6 & 0x3f)),
          byte(0x80 | (code & 0x3f))};
}

TEST(Utf8, every_character_is_known_and_no_surrogate_is_one) {
  for (char32_t code = 0; code <= 0x10ffff; ++code) {
    const std::string text = encode(code);
    const Utf8 character = first_character(text + "x");
    const bool surrogate = code >= 0xd800 && code <= 0xdfff;
    ASSERT_EQ(character.bytes, surrogate ? 0 : text.size()) << std::hex << static_cast<unsigned>(code);
    ASSERT_EQ(character.code, surrogate ? 0 : code);
    for (std::size_t part = 0; part < text.size(); ++part) ASSERT_EQ(first_character(text.substr(0, part)).bytes, 0U);
  }
}

TEST(Utf8, what_is_overlong_too_large_or_out_of_place_is_no_character) {
  for (const std::string_view text : {"\xc0\xaf", "\xc1\xbf", "\xe0\x80\xaf", "\xe0\x9f\xbf", "\xf0\x80\x80\xaf",
                                      "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "\xfe",
                                      "\x80", "\xbf", "\xc3(", "\xe2\x82(", "\xf0\x9f\x98(", "\xc3\xc3\xa9"}) {
    EXPECT_EQ(first_character(text).bytes, 0U) << testing::PrintToString(text);
  }
}

TEST(Utf8, harmful_are_controls_separators_noncharacters_and_what_cannot_be_seen) {
  for (const char32_t code : {0x00,   0x1b,   0x1f,   0x7f,    0x80,   0x9b,   0x9f,   0x2028, 0x2029,  0x202a,
                              0x202e, 0x2066, 0x2069, 0xad,    0x61c,  0x200b, 0x200d, 0x200f, 0x2060,  0x206f,
                              0x3164, 0xfe0f, 0xfeff, 0xe0041, 0xfdd0, 0xfdef, 0xfffe, 0xffff, 0x1fffe, 0x10ffff}) {
    EXPECT_FALSE(is_harmless(code)) << std::hex << static_cast<unsigned>(code);
  }
  for (const char32_t code : {0x20, 0x7e, 0xa0, 0xe9, 0xac, 0xae, 0x200a, 0x2010, 0x2027, 0x2030, 0x2070, 0x20ac,
                              0xfe10, 0xfdcf, 0xfdf0, 0xfffd, 0x10000, 0x1f600, 0x10fffd}) {
    EXPECT_TRUE(is_harmless(code)) << std::hex << static_cast<unsigned>(code);
  }
}

TEST(Utf8, a_cut_splits_no_character) {
  const std::string text = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z";  // 1, 2, 3, 4 and 1 bytes
  const std::size_t expected[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 11};
  for (std::size_t max = 0; max < std::size(expected); ++max)
    EXPECT_EQ(cut_at_character(text, max), expected[max]) << max;
  EXPECT_EQ(cut_at_character("\x80\x80\x80\x80", 2), 2U) << "there is no character to split";
}

}  // namespace
}  // namespace forklift
