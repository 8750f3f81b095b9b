#include <gmock/gmock.h>
#include <forklift/web/redirect.hpp>

#include <stdexcept>

#include "request.h"

namespace web_test {
namespace {

using namespace forklift::web;

std::string location(std::string_view target) {
  Answer answer;
  forklift::Out out(&answer);
  redirect(out, target);
  return answer.header("Location");
}

TEST(WebRedirect, SaysWhereAndHow) {
  for (const auto& [how, status] :
       {std::pair(Moved::kPermanently, 301), std::pair(Moved::kFound, 302), std::pair(Moved::kSeeOther, 303),
        std::pair(Moved::kTemporarily, 307), std::pair(Moved::kForGood, 308)}) {
    Answer answer;
    forklift::Out out(&answer);
    redirect(out, "/shop?x=1#y", how, {{"Set-Cookie", "a=1"}, {"Set-Cookie", "b=2"}});
    EXPECT_EQ(answer.status, status);
    EXPECT_EQ(answer.header("Location"), "/shop?x=1#y");
    EXPECT_EQ(answer.header("Set-Cookie"), "a=1|b=2");
    EXPECT_EQ(answer.header("Content-Length"), "0");
    EXPECT_EQ(answer.body, "");
  }
}

TEST(WebRedirect, TakesPathsAndAbsoluteUrls) {
  for (const char* good :
       {"/", "/a%20b", "/a//b", "https://example.org", "HTTP://example.org/x?y", "https://[::1]:8/"}) {
    EXPECT_EQ(location(good), good);
  }
}

TEST(WebRedirect, RefusesEverythingElse) {
  for (const char* bad : {"",
                          "shop",
                          "../shop",
                          "?x",
                          "//evil.example",
                          "/\\evil.example",
                          "\\\\evil.example",
                          "/a\r\nSet-Cookie: b=c",
                          "/a\nb",
                          "/a b",
                          " /a",
                          "/\t/evil.example",
                          "/\xc3\xa9",
                          "/a\"b",
                          "/<script>",
                          "javascript:alert(1)",
                          "data:text/html,x",
                          "http:",
                          "http://",
                          "http:///evil.example",
                          "http:evil.example",
                          "ftp://a",
                          "/\x7f"}) {
    EXPECT_THROW(location(bad), std::invalid_argument) << bad;
  }
  EXPECT_THROW(location(std::string_view("/a\0b", 4)), std::invalid_argument);
}

TEST(WebRedirect, TakesOnlyLocalTargetsFromRequests) {
  EXPECT_EQ(local_target("/shop?x=1", "/account"), "/shop?x=1");
  for (const char* bad : {"", "//evil.example/", "/\\evil.example", "/\t/evil.example", "https://evil.example", "shop",
                          "/a\r\nb", "javascript:alert(1)"}) {
    EXPECT_EQ(local_target(bad, "/account"), "/account") << bad;
  }
  EXPECT_EQ(local_target("//evil.example"), "/");
}

}  // namespace
}  // namespace web_test
