#include <gmock/gmock.h>
#include <forklift/web/cookies.hpp>

#include <stdexcept>

#include "request.h"

namespace web_test {
namespace {

using namespace forklift::web;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

TEST(WebCookies, AreReadAsTheyWereSet) {
  const Variables variables{{"HTTP_COOKIE", "id=31d4; theme=\"dark\"; a=b=c; empty="}};
  EXPECT_THAT(cookies(forklift::Env(&variables)),
              ElementsAre(Pair("id", "31d4"), Pair("theme", "\"dark\""), Pair("a", "b=c"), Pair("empty", "")));
}

TEST(WebCookies, OfWhichOneIsBrokenAreReadAllTheSame) {
  EXPECT_THAT(parse_cookies(";;  ; bare; =nameless;a=%zz ;b=1"), ElementsAre(Pair("a", "%zz"), Pair("b", "1")));
  EXPECT_THAT(parse_cookies(""), IsEmpty());
}

TEST(WebCookies, KeepTheirOrderWhereANameComesTwice) {
  const Fields cookies = parse_cookies("id=of /shop; id=of /");
  EXPECT_EQ(cookies["id"], "of /shop");
  EXPECT_THAT(cookies.all("id"), ElementsAre("of /shop", "of /"));
}

// decode_url(cookies(env)["a"]) would refuse each request of who has such a one, until it is deleted.
TEST(WebCookies, ThatAreNoEncodedTextAreNone) {
  const Variables variables{{"HTTP_COOKIE", "a=100%; b=%zz; c=%4; name=Ren%C3%A9%20%26%20me+; empty="}};
  const forklift::Env env(&variables);
  for (const char* bad : {"a", "b", "c", "none"}) EXPECT_EQ(cookie(env, bad), std::nullopt) << bad;
  EXPECT_EQ(cookie(env, "name"), "Ren\xc3\xa9 & me+");
  EXPECT_EQ(cookie(env, "empty"), "");
  EXPECT_EQ(refusal_of([&] { decode_url(cookies(env)["a"]); }).substr(0, 3), "400") << "which is why";
}

TEST(WebCookies, AreLimitedInNumber) {
  EXPECT_THAT(parse_cookies("a=1; b=2; c=3", 2), ElementsAre(Pair("a", "1"), Pair("b", "2")));
}

TEST(WebSetCookie, IsCautiousUnlessToldOtherwise) {
  EXPECT_EQ(SetCookie("id", "31d4").text(), "id=31d4; Path=/; HttpOnly; SameSite=Lax");
}

TEST(WebSetCookie, HasAllAttributes) {
  EXPECT_EQ(SetCookie("id", "31d4")
                .path("/shop")
                .domain("example.org")
                .max_age(24h)
                .secure()
                .http_only(false)
                .same_site(SameSite::kStrict)
                .text(),
            "id=31d4; Path=/shop; Domain=example.org; Max-Age=86400; Secure; SameSite=Strict");
  EXPECT_EQ(SetCookie("id", "").secure().same_site(SameSite::kNone).text(),
            "id=; Path=/; Secure; HttpOnly; SameSite=None");
}

TEST(WebSetCookie, Forgets) {
  EXPECT_EQ(SetCookie::removed("id").text(), "id=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax");
  EXPECT_EQ(SetCookie("id", "x").max_age(-5s).text(), "id=x; Path=/; Max-Age=0; HttpOnly; SameSite=Lax");
}

TEST(WebSetCookie, RefusesWhatWouldBecomeAnotherHeaderOrAttribute) {
  for (const char* bad : {"", "a b", "a=b", "a;b", "a\r\nb", "\xc3\xa9", "a\"", "a,b"}) {
    EXPECT_THROW(SetCookie(bad, "x"), std::invalid_argument) << bad;
  }
  for (const char* bad : {"a b", "a;b", "a,b", "a\"b", "a\\b", "a\r\nSet-Cookie: b=c", "\x7f", "\xc3\xa9"}) {
    EXPECT_THROW(SetCookie("x", bad), std::invalid_argument) << bad;
  }
  EXPECT_THROW(SetCookie("x", std::string_view("\0", 1)), std::invalid_argument);
  for (const char* bad : {"", "shop", "/a;b", "/a\nb"}) {
    EXPECT_THROW(SetCookie("x", "y").path(bad), std::invalid_argument) << bad;
  }
  for (const char* bad : {"", "a;b", "a b", "a\r\nb", "http://a"}) {
    EXPECT_THROW(SetCookie("x", "y").domain(bad), std::invalid_argument) << bad;
  }
}

TEST(WebSetCookie, RefusesWhatBrowsersThrowAway) {
  EXPECT_THROW(SetCookie("x", "y").same_site(SameSite::kNone).text(), std::invalid_argument);
  EXPECT_THROW(SetCookie("__Secure-x", "y").text(), std::invalid_argument);
  EXPECT_NO_THROW(SetCookie("__Secure-x", "y").secure().text());
  EXPECT_THROW(SetCookie("__Host-x", "y").text(), std::invalid_argument);
  EXPECT_THROW(SetCookie("__host-x", "y").secure().path("/shop").text(), std::invalid_argument);
  EXPECT_THROW(SetCookie("__Host-x", "y").secure().domain("a.example").text(), std::invalid_argument);
  EXPECT_NO_THROW(SetCookie("__Host-x", "y").secure().text());
  EXPECT_NO_THROW(SetCookie("x", std::string(4095, 'y')).text());
  EXPECT_THROW(SetCookie("x", std::string(4096, 'y')).text(), std::invalid_argument);
}

}  // namespace
}  // namespace web_test
