#include "text.h"

#include <gtest/gtest.h>

namespace cgi {
namespace {

TEST(Text, QuotesWhatALogShouldNotHave) {
  EXPECT_EQ(quote("plain"), "\"plain\"");
  EXPECT_EQ(quote(std::string_view("a\"\\\r\n\t\0\x1b\xff", 9)), "\"a\\\"\\\\\\r\\n\\t\\x00\\x1b\\xff\"");
  EXPECT_EQ(quote("12345", 3), "\"123\"...");
}

TEST(Text, DecodesAPathOnce) {
  EXPECT_EQ(decode_path("/a%20b%2Fc%2fd"), "/a b/c/d");
  EXPECT_EQ(decode_path("/%2541"), "/%41");
  EXPECT_EQ(decode_path("/a+b"), "/a+b");
  for (const char* wrong : {"/%", "/%4", "/%zz", "/%4g", "/%+4", "/%-1", "/% 1"})
    EXPECT_EQ(decode_path(wrong), std::nullopt) << wrong;
}

TEST(Text, ComparesNamesWithoutCase) {
  EXPECT_TRUE(same_name("Location", "LOCATION"));
  EXPECT_FALSE(same_name("Location", "Locations"));
  EXPECT_EQ(trim(" \ta b\t "), "a b");
  EXPECT_EQ(trim("  "), "");
}

}  // namespace
}  // namespace cgi
