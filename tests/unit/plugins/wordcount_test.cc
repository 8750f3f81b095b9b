// plugins/wordcount: a CGI program as a plugin.
#include <gmock/gmock.h>

#include <forklift/testing.hpp>

namespace {

using namespace forklift::testing;

Response post(const Request& request) {
  return Plugin::load(PLUGINS "/wordcount.so").produce(request);
}

TEST(WordCount, CountsAsWcDoes) {
  const Response counted = post(Request("POST", "/").body("two  words\nand three more\n"));
  EXPECT_TRUE(counted.ok()) << counted.failure;
  EXPECT_EQ(counted.header("Content-Type"), "text/plain");
  EXPECT_EQ(counted.body, "2 5 26\n");
  EXPECT_EQ(post(Request("POST", "/")).body, "0 0 0\n");
}

TEST(WordCount, CountsATextThatComesInPieces) {
  EXPECT_EQ(post(Request("POST", "/").body("two  words\nand three more\n").body_in_pieces_of(3)).body, "2 5 26\n");
}

TEST(WordCount, DoesNotCountHalfAText) {
  EXPECT_EQ(post(Request("POST", "/").body("two words").body_breaks_off_after(4)).status, 400);
  EXPECT_EQ(post(Request("POST", "/").body("two words").body_stalls_after(4)).status, 408);
}

TEST(WordCount, WantsAPost) {
  const Response refused = post(Request("GET", "/"));
  EXPECT_EQ(refused.status, 405);
  EXPECT_EQ(refused.header("Allow"), "POST");
}

}  // namespace
