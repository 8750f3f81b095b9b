// plugins/env: a page of the request's variables, in C.
#include <gmock/gmock.h>

#include <forklift/testing.hpp>

namespace {

using namespace forklift::testing;
using ::testing::HasSubstr;

constexpr char kEnv[] = PLUGINS "/env.so";

Request some_variables() {
  return Request::of({{"SCGI", "1"}, {"CONTENT_LENGTH", "3"}, {"HTTP_HOST", ""}}).body("abc");
}

TEST(EnvPlugin, ListsVariablesByName) {
  const Response page = Plugin::load(kEnv).produce(some_variables());
  EXPECT_TRUE(page.ok()) << page.failure;
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(page.header("Content-Type"), "text/plain; charset=utf-8");
  EXPECT_EQ(page.header("X-Content-Type-Options"), "nosniff");
  EXPECT_EQ(page.body, "CONTENT_LENGTH: 3\nHTTP_HOST: \nSCGI: 1\n\n3 bytes of body\n");
}

TEST(EnvPlugin, ListsVariablesInTheOrderOfArrivalIfAsked) {
  EXPECT_EQ(Plugin::load(kEnv, "order=arrival").produce(some_variables()).body,
            "SCGI: 1\nCONTENT_LENGTH: 3\nHTTP_HOST: \n\n3 bytes of body\n");
}

TEST(EnvPlugin, ShowsWhatAFrontServerSends) {
  const Response page = Plugin::load(kEnv).produce(Request("/a%20b?c=d").header("X-Forwarded-For", "192.0.2.1"));
  EXPECT_THAT(page.body, HasSubstr("REQUEST_URI: /a%20b?c=d\n"));
  EXPECT_THAT(page.body, HasSubstr("DOCUMENT_URI: /a b\n"));
  EXPECT_THAT(page.body, HasSubstr("HTTP_X_FORWARDED_FOR: 192.0.2.1\n"));
}

TEST(EnvPlugin, KeepsEachVariableOnItsLine) {
  const std::string value("a\nb\\\x1b[2J\x7f\0\xc3\xa9", 12);
  EXPECT_EQ(Plugin::load(kEnv).produce(Request::of({{"V", value}})).body,
            "V: a\\x0ab\\x5c\\x1b[2J\\x7f\\x00\xc3\xa9\n\n0 bytes of body\n");
}

TEST(EnvPlugin, AnswersARequestWithoutVariables) {
  EXPECT_EQ(Plugin::load(kEnv).produce(Request::of({})).body, "\n0 bytes of body\n");
}

TEST(EnvPlugin, RefusesAnOrderThatItDoesNotKnow) {
  for (const char* order : {"order=random", "order[0]=sorted"}) {
    const Refused refused = refusal([&] { Plugin::load(kEnv, order); });
    EXPECT_EQ(refused.setting, "order");
    EXPECT_EQ(refused.reason, "must be sorted or arrival");
  }
}

TEST(EnvPlugin, PassesOnWhatTheHostReturns) {
  const Response none = Plugin::load(kEnv).produce(some_variables().response_fails_with(FORKLIFT_EGONE));
  EXPECT_EQ(none.result, FORKLIFT_EGONE);
  EXPECT_TRUE(none.client_gone);
}

}  // namespace
