#include "cli/call_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <regex>
#include <set>

#include "protocol/request.h"

namespace forklift::cli {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsSupersetOf;
using testing::Pair;

Variables variables(const CallRequest& request) {
  const auto made = variables_of(request);
  EXPECT_TRUE(made) << made.error().message();
  return made.value_or(Variables{});
}

std::string refusal(const CallRequest& request) {
  const auto made = variables_of(request);
  return made ? "taken" : made.error().message();
}

std::string document_uri(const std::string& uri) {
  const auto made = variables_of({.uri = uri});
  if (!made) return made.error().message();
  for (const auto& [name, value] : *made) {
    if (name == "DOCUMENT_URI") return value;
  }
  return "none";
}

// The request is what a plugin will get in the server.
TEST(CallRequest, has_the_variables_of_the_nginx_that_is_documented) {
  std::ifstream conf(SOURCE_DIR "/conf/nginx.conf");
  static const std::regex pattern(R"(  scgi_param (\w+) [^;]*;)");
  std::set<std::string> expected{"CONTENT_LENGTH"};
  std::smatch parts;
  for (std::string line; std::getline(conf, line);) {
    const bool is_always_there = line.find("if_not_empty") == line.npos;
    if (is_always_there && std::regex_match(line, parts, pattern)) expected.insert(parts[1]);
  }
  ASSERT_GT(expected.size(), 10U);
  std::set<std::string> names;
  for (const auto& [name, value] : variables({.uri = "/"})) names.insert(name);
  EXPECT_EQ(names, expected);
}

TEST(CallRequest, follows_from_method_and_uri) {
  EXPECT_THAT(variables({.method = "DELETE", .uri = "/a%20b/../c?x=%41&y"}),
              IsSupersetOf({Pair("CONTENT_LENGTH", "0"), Pair("SCGI", "1"), Pair("REQUEST_METHOD", "DELETE"),
                            Pair("REQUEST_URI", "/a%20b/../c?x=%41&y"), Pair("QUERY_STRING", "x=%41&y"),
                            Pair("CONTENT_TYPE", ""), Pair("DOCUMENT_URI", "/c"), Pair("HTTP_HOST", "localhost")}));
  EXPECT_THAT(variables({.uri = "/"}), Contains(Pair("REQUEST_METHOD", "GET")));
}

TEST(CallRequest, with_a_body_is_a_form_that_is_posted_unless_it_says_something_else) {
  EXPECT_THAT(
      variables({.uri = "/", .body = "a=b"}),
      IsSupersetOf({Pair("CONTENT_LENGTH", "3"), Pair("HTTP_CONTENT_LENGTH", "3"), Pair("REQUEST_METHOD", "POST"),
                    Pair("CONTENT_TYPE", "application/x-www-form-urlencoded")}));
  EXPECT_THAT(variables({.method = "PUT", .uri = "/", .headers = {"content-type: text/plain"}, .body = ""}),
              IsSupersetOf({Pair("CONTENT_LENGTH", "0"), Pair("REQUEST_METHOD", "PUT"),
                            Pair("CONTENT_TYPE", "text/plain"), Pair("HTTP_CONTENT_TYPE", "text/plain")}));
}

TEST(CallRequest, has_its_headers_as_variables) {
  EXPECT_THAT(variables({.uri = "/", .headers = {"X-Id:7", "Accept-Language: \t de ", "Host: shop", "X-Empty:"}}),
              IsSupersetOf({Pair("HTTP_X_ID", "7"), Pair("HTTP_ACCEPT_LANGUAGE", "de"), Pair("HTTP_HOST", "shop"),
                            Pair("HTTP_X_EMPTY", "")}));
  EXPECT_THAT(
      variables({.uri = "/", .variables = {"REMOTE_USER=ada", "HTTPS=on", "SERVER_PORT=443", "X=a=b"}}),
      IsSupersetOf({Pair("REMOTE_USER", "ada"), Pair("HTTPS", "on"), Pair("SERVER_PORT", "443"), Pair("X", "a=b")}));
}

TEST(CallRequest, is_a_head_that_a_worker_understands) {
  const std::string head = scgi_head(
      variables({.uri = "/x?y", .headers = {"Cookie: a=1", "Cookie: b=2", "X-Id: 1", "X-Id: 2"}, .body = "body"}));
  protocol::Request request;
  const auto parsed = protocol::parse_scgi_head(head, {.body = 4}, request);
  ASSERT_TRUE(parsed) << parsed.error().reason;
  EXPECT_EQ(request.content_length, 4U);
  EXPECT_EQ(request.find("HTTP_COOKIE")->value, "a=1; b=2");
  EXPECT_EQ(request.find("HTTP_X_ID")->value, "1, 2");
  EXPECT_EQ(request.uri(), "/x?y");
}

TEST(CallRequest, has_the_decoded_path_as_nginx_makes_it) {
  EXPECT_EQ(document_uri("/"), "/");
  EXPECT_EQ(document_uri("/?/a"), "/");
  EXPECT_EQ(document_uri("//a///b//"), "/a/b/");
  EXPECT_EQ(document_uri("/a/./b/."), "/a/b/");
  EXPECT_EQ(document_uri("/a/b/.."), "/a/");
  EXPECT_EQ(document_uri("/a/../../b"), "the URI leads above /, which nginx answers with 400");
  EXPECT_EQ(document_uri("/%2e%2e/b"), "the URI leads above /, which nginx answers with 400");
  EXPECT_EQ(document_uri("/a%2Fb%c3%a4"), "/a/b\xc3\xa4");
  for (const char* uri : {"/%", "/%4", "/%zz", "/%00", "/%-1", "/% 1"}) EXPECT_NE(document_uri(uri)[0], '/') << uri;
}

TEST(CallRequest, that_no_front_server_would_hand_on_is_refused) {
  EXPECT_EQ(refusal({.uri = "shop"}), "the URI \"shop\" does not begin with /");
  EXPECT_THAT(refusal({.uri = "/a b"}), HasSubstr("write %20"));
  EXPECT_THAT(refusal({.uri = "/a\n"}), HasSubstr("control character"));
  EXPECT_THAT(refusal({.uri = "/a#b"}), HasSubstr("fragment"));
  EXPECT_EQ(refusal({.method = "GE T", .uri = "/"}), "the method \"GE T\" is none: expected a word, such as GET");
  EXPECT_EQ(refusal({.uri = "/", .headers = {"X-Id"}}), "the header \"X-Id\" is not Name: value");
  EXPECT_THAT(refusal({.uri = "/", .headers = {"X Id: 1"}}), HasSubstr("has no name that a header can have"));
  EXPECT_THAT(refusal({.uri = "/", .headers = {": 1"}}), HasSubstr("has no name that a header can have"));
  EXPECT_THAT(refusal({.uri = "/", .headers = {"X_Id: 1"}}), HasSubstr("nginx drops it"));
  EXPECT_THAT(refusal({.uri = "/", .headers = {"X: a\r\nY: b"}}), HasSubstr("control character"));
  EXPECT_THAT(refusal({.uri = "/", .headers = {"Content-Length: 1"}}), HasSubstr("--data"));
  EXPECT_THAT(refusal({.uri = "/", .headers = {"Proxy: x"}}), HasSubstr("httpoxy"));
  EXPECT_EQ(refusal({.uri = "/", .variables = {"X"}}), "the variable \"X\" is not NAME=VALUE");
}

}  // namespace
}  // namespace forklift::cli
