#include "request.h"

#include <gtest/gtest.h>

#include <forklift/testing.hpp>

#include "refusal.h"

namespace cgi {
namespace {

Request request_of(const forklift::testing::EnvTable& env) {
  return read_request(forklift::Env(&env));
}
int refusal_of(const forklift::testing::EnvTable& env) {
  try {
    request_of(env);
  } catch (const Refusal& refusal) {
    return refusal.status();
  }
  return 0;
}

TEST(Request, NginxSendsTheWholePathInPathInfo) {
  const Request request = request_of({{"REQUEST_METHOD", "GET"},
                                      {"REQUEST_URI", "/git/a%20b?c=d"},
                                      {"QUERY_STRING", "c=d"},
                                      {"SCRIPT_NAME", ""},
                                      {"PATH_INFO", "/git/a b"}});
  EXPECT_EQ(request.method, "GET");
  EXPECT_EQ(request.base, "");
  EXPECT_EQ(request.path, "/git/a b");
  EXPECT_EQ(request.query, "c=d");
  EXPECT_EQ(request.uri, "/git/a%20b?c=d");
}

TEST(Request, ApacheSendsWhatIsBehindItsScriptName) {
  const Request request =
      request_of({{"REQUEST_URI", "/smart/git/x"}, {"SCRIPT_NAME", "/smart"}, {"PATH_INFO", "/git/x"}});
  EXPECT_EQ(request.base, "/smart");
  EXPECT_EQ(request.path, "/git/x");
}

TEST(Request, WithoutPathInfoTheUriIsDecodedOnce) {
  EXPECT_EQ(request_of({{"REQUEST_URI", "/a%2541?b=%41"}}).path, "/a%41");
  EXPECT_EQ(request_of({{"REQUEST_URI", "/a"}, {"PATH_INFO", ""}}).path, "/a");
  EXPECT_EQ(request_of({{"REQUEST_URI", "/smart/git/x"}, {"SCRIPT_NAME", "/smart"}}).path, "/git/x");
  // Apache's mod_proxy_scgi, as it is by default.
  EXPECT_EQ(request_of({{"REQUEST_URI", "/git/a%20b?c"}, {"SCRIPT_NAME", "/git/a b"}}).path, "/git/a b");
  EXPECT_EQ(request_of({{"REQUEST_URI", "/git/a%20b?c"}, {"SCRIPT_NAME", "/git/a b"}}).base, "");
  EXPECT_EQ(request_of({{"REQUEST_URI", "/smarter"}, {"SCRIPT_NAME", "/smart"}}).path, "/smarter");
  EXPECT_EQ(request_of({{"REQUEST_URI", "/smarter"}, {"SCRIPT_NAME", "/smart"}}).base, "");
  EXPECT_EQ(request_of({{"REQUEST_URI", "/a"}, {"SCRIPT_NAME", "/"}}).path, "/a");
  EXPECT_EQ(request_of({{"REQUEST_URI", "/git/x/?c"}, {"SCRIPT_NAME", "/git/x/"}}).path, "/git/x/");
  EXPECT_EQ(request_of({{"REQUEST_URI", "http://host:80/a?b"}}).path, "/a");
  EXPECT_EQ(request_of({{"REQUEST_URI", "http://host"}}).path, "/");
  EXPECT_EQ(request_of({{"REQUEST_URI", "http://host?x=/bin/p"}}).path, "/");
  EXPECT_EQ(request_of({{"REQUEST_URI", "x?y=http://host/bin/p"}}).path, "/");
}

TEST(Request, WhatIsDecodedIsNotDecodedAgain) {
  EXPECT_EQ(request_of({{"REQUEST_URI", "/%2541"}, {"PATH_INFO", "/%41"}}).path, "/%41");
}

TEST(Request, PathsThatAreNone) {
  EXPECT_EQ(refusal_of({{"REQUEST_URI", "/a%"}}), 400);
  EXPECT_EQ(refusal_of({{"REQUEST_URI", "/a%00b"}}), 404);
  EXPECT_EQ(refusal_of({{"REQUEST_URI", "/a/%2e%2e/b"}}), 404);
  EXPECT_EQ(refusal_of({{"REQUEST_URI", "/a/..%2fb"}}), 404);
  EXPECT_EQ(refusal_of({{"PATH_INFO", "/a/.."}}), 404);
  EXPECT_EQ(refusal_of({{"PATH_INFO", "a"}}), 400);
  EXPECT_EQ(refusal_of({{"PATH_INFO", "/a..b/..c/d.."}}), 0);
}

TEST(Request, ALocalRedirectionIsAGetBelowTheSameBase) {
  const Request request{.method = "POST", .uri = "/smart/x", .query = "q", .base = "/smart", .path = "/x"};
  const Request next = redirect(request, "/smart/y%20z?a=b#c");
  EXPECT_EQ(next.method, "GET");
  EXPECT_EQ(next.path, "/y z");
  EXPECT_EQ(next.query, "a=b");
  EXPECT_EQ(next.base, "/smart");
  EXPECT_EQ(next.uri, "/smart/y%20z?a=b");
  EXPECT_THROW(redirect(request, "/elsewhere"), Refusal);
  EXPECT_THROW(redirect(request, "/smart/../x"), Refusal);
}

}  // namespace
}  // namespace cgi
