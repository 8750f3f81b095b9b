#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "protocol/request.h"
#include "scgi_text.h"

namespace forklift::protocol {
namespace {

using namespace std::string_view_literals;
using testing::AllOf;
using testing::HasSubstr;

constexpr RequestLimits kLimits{.body = 1000, .variables = 1000};

// A head that has been accepted, with the bytes that its views point into.
struct Parsed {
  explicit Parsed(std::string_view head, const RequestLimits& limits = kLimits) : bytes(head) {
    const auto result = parse_scgi_head(bytes.view(), limits, request);
    if (!result) ADD_FAILURE() << result.error().reason;
  }
  std::string_view operator[](std::string_view name) const {
    const Variable* variable = request.find(name);
    return variable != nullptr ? variable->value : "(none)"sv;
  }
  ExactBytes bytes;
  Request request;
};

Rejection rejection(std::string_view head, const RequestLimits& limits = kLimits) {
  const ExactBytes bytes(head);
  Request request;
  const auto result = parse_scgi_head(bytes.view(), limits, request);
  return result ? Rejection{0, "accepted"} : result.error();
}

TEST(ScgiRequest, published_example) {
  const Parsed parsed(published_head());
  EXPECT_EQ(parsed.request.content_length, kPublishedBody.size());
  EXPECT_EQ(parsed.request.method(), "POST");
  EXPECT_EQ(parsed.request.uri(), "/deepthought");
  ASSERT_EQ(parsed.request.variables.size(), 4u);
  EXPECT_EQ(parsed.request.variables[0].name, "CONTENT_LENGTH");
  EXPECT_EQ(parsed.request.variables[1].name, "SCGI");
  EXPECT_EQ(parsed.request.variables[2].name, "REQUEST_METHOD");
  EXPECT_EQ(parsed.request.variables[3].name, "REQUEST_URI");
}

TEST(ScgiRequest, variables_are_views_into_the_head_and_end_with_nul) {
  for (const std::string& head : good_heads()) {
    const Parsed parsed(head);
    const std::string_view bytes = parsed.bytes.view();
    for (const Variable& variable : parsed.request.variables) {
      EXPECT_EQ(*(variable.name.data() + variable.name.size()), '\0');
      EXPECT_EQ(*(variable.value.data() + variable.value.size()), '\0');
      EXPECT_TRUE(variable.name.data() > bytes.data() && variable.name.data() < bytes.data() + bytes.size());
      EXPECT_EQ(parsed.request.find(variable.name), &variable);
    }
  }
}

TEST(ScgiRequest, scgi_may_come_anywhere) {
  EXPECT_EQ(Parsed(head_of({{"CONTENT_LENGTH", "0"}, {"A", "b"}, {"SCGI", "1"}}))["SCGI"], "1");
  EXPECT_EQ(Parsed(head_of({{"CONTENT_LENGTH", "0"}, {"SCGI", "1"}, {"A", "b"}}))["SCGI"], "1");
}

TEST(ScgiRequest, content_length_with_leading_zeros_is_its_value) {
  const Parsed parsed(head_of({{"CONTENT_LENGTH", "0027"}, {"SCGI", "1"}}));
  EXPECT_EQ(parsed.request.content_length, 27u);
  EXPECT_EQ(parsed["CONTENT_LENGTH"], "0027");
  EXPECT_EQ(Parsed(head_of({{"CONTENT_LENGTH", std::string(30, '0')}, {"SCGI", "1"}})).request.content_length, 0u);
}

TEST(ScgiRequest, content_length_at_the_limit_is_accepted_and_one_more_is_413) {
  EXPECT_EQ(Parsed(head_of({{"CONTENT_LENGTH", "1000"}, {"SCGI", "1"}})).request.content_length, 1000u);
  const Rejection over = rejection(head_of({{"CONTENT_LENGTH", "1001"}, {"SCGI", "1"}}));
  EXPECT_EQ(over.status, 413);
  EXPECT_EQ(over.reason, "CONTENT_LENGTH is \"1001\": above the limit of 1000 bytes (limits.body)");
}

TEST(ScgiRequest, content_length_never_overflows_into_the_limit) {
  constexpr std::uint64_t kLargest = std::numeric_limits<std::uint64_t>::max();
  for (const char* length : {"18446744073709551616", "18446744073709551617", "99999999999999999999999999999999"}) {
    const std::string head = head_of({{"CONTENT_LENGTH", length}, {"SCGI", "1"}});
    EXPECT_EQ(rejection(head).status, 413);
    EXPECT_EQ(rejection(head, {.body = kLargest - 1}).status, 413);
  }
}

TEST(ScgiRequest, repeated_http_headers_are_joined_in_order_of_arrival) {
  const Parsed parsed(head_with({{"HTTP_FOO", "1"},
                                 {"HTTP_COOKIE", "a=1"},
                                 {"HTTP_BAR", "x"},
                                 {"HTTP_FOO", "2"},
                                 {"HTTP_COOKIE", "b=2"},
                                 {"HTTP_FOO", ""}}));
  EXPECT_EQ(parsed["HTTP_FOO"], "1, 2, ");
  EXPECT_EQ(parsed["HTTP_COOKIE"], "a=1; b=2");
  EXPECT_EQ(parsed["HTTP_BAR"], "x");
  ASSERT_EQ(parsed.request.variables.size(), 5u);
  EXPECT_EQ(parsed.request.variables[2].name, "HTTP_FOO");
}

TEST(ScgiRequest, joined_values_stay_valid_while_others_are_joined) {
  Pairs pairs;
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 100; ++i) pairs.emplace_back(fmt::format("HTTP_X{}", i), std::to_string(round));
  }
  const Parsed parsed(head_with(pairs));
  for (int i = 0; i < 100; ++i) EXPECT_EQ(parsed[fmt::format("HTTP_X{}", i)], "0, 1, 2");
}

TEST(ScgiRequest, names_are_compared_byte_by_byte) {
  const Parsed parsed(head_with({{"HTTP_A", "1"}, {"HTTP_a", "2"}, {"PATH", "3"}, {"path", "4"}, {"PATHS", "5"}}));
  EXPECT_EQ(parsed["HTTP_A"], "1");
  EXPECT_EQ(parsed["HTTP_a"], "2");
  EXPECT_EQ(parsed["PATH"], "3");
  EXPECT_EQ(parsed["path"], "4");
  EXPECT_EQ(parsed["PAT"], "(none)");
  EXPECT_EQ(parsed[""], "(none)");
}

TEST(ScgiRequest, http_content_length_may_repeat_content_length) {
  EXPECT_EQ(
      Parsed(head_of({{"CONTENT_LENGTH", "6"}, {"SCGI", "1"}, {"HTTP_CONTENT_LENGTH", "6"}})).request.content_length,
      6u);
  EXPECT_EQ(
      Parsed(head_of({{"CONTENT_LENGTH", "6"}, {"SCGI", "1"}, {"HTTP_CONTENT_LENGTH", "06"}})).request.content_length,
      6u);
}

TEST(ScgiRequest, http_content_length_that_differs_names_both_causes_and_both_cures) {
  const Rejection rejected = rejection(head_of({{"CONTENT_LENGTH", "0"}, {"SCGI", "1"}, {"HTTP_CONTENT_LENGTH", "6"}}));
  EXPECT_EQ(rejected.status, 400);
  EXPECT_THAT(rejected.reason,
              AllOf(HasSubstr("HTTP_CONTENT_LENGTH is \"6\", but CONTENT_LENGTH is 0"),
                    HasSubstr("nginx before 1.29.6"), HasSubstr("auth_request"), HasSubstr("scgi_request_buffering on"),
                    HasSubstr("scgi_param HTTP_CONTENT_LENGTH 0")));
}

TEST(ScgiRequest, a_decoded_chunked_body_keeps_its_header) {
  EXPECT_EQ(
      Parsed(head_of(
          {{"CONTENT_LENGTH", "6"}, {"SCGI", "1"}, {"HTTP_TRANSFER_ENCODING", "chunked"}}))["HTTP_TRANSFER_ENCODING"],
      "chunked");
}

TEST(ScgiRequest, values_are_any_bytes_but_nul) {
  std::string all;
  for (int byte = 1; byte < 256; ++byte) all.push_back(static_cast<char>(byte));
  EXPECT_EQ(Parsed(head_with({{"SCRIPT_NAME", all}}))["SCRIPT_NAME"], all);
  EXPECT_EQ(Parsed(head_with({{"HTTP_X", "\t\x1b\xff"}}))["HTTP_X"], "\t\x1b\xff");
}

TEST(ScgiRequest, names_are_any_visible_ascii_but_the_equals_sign) {
  std::string all;
  for (char c = '!'; c <= '~'; ++c) {
    if (c != '=') all.push_back(c);
  }
  EXPECT_EQ(Parsed(head_with({{all, "x"}}))[all], "x");
}

TEST(ScgiRequest, as_many_variables_as_the_limit_and_not_one_more) {
  Pairs pairs;
  for (int i = 0; i < 998; ++i) pairs.emplace_back(fmt::format("HTTP_{}", i), std::to_string(i));
  const Parsed parsed(head_with(pairs));
  EXPECT_EQ(parsed.request.variables.size(), 1000u);
  for (int i = 0; i < 998; ++i) EXPECT_EQ(parsed[fmt::format("HTTP_{}", i)], std::to_string(i));

  pairs.emplace_back("HTTP_MORE", "");
  EXPECT_EQ(rejection(head_with(pairs)).status, 431);
  EXPECT_EQ(rejection(head_with(pairs)).reason, "more than 1000 variables");
  pairs.back().first = "HTTP_0";  // joined, but it came
  EXPECT_EQ(rejection(head_with(pairs)).status, 431);
}

TEST(ScgiRequest, uri_falls_back_to_the_script_and_then_to_the_path) {
  EXPECT_EQ(Parsed(head_with({{"REQUEST_URI", "/u"}, {"SCRIPT_NAME", "/s"}})).request.uri(), "/u");
  EXPECT_EQ(Parsed(head_with({{"SCRIPT_NAME", "/s"}, {"PATH_INFO", "/p"}})).request.uri(), "/s");
  EXPECT_EQ(Parsed(head_with({{"SCRIPT_NAME", ""}, {"PATH_INFO", "/p"}})).request.uri(), "/p");
  EXPECT_EQ(Parsed(head_with({})).request.uri(), "");
  EXPECT_EQ(Parsed(head_with({})).request.method(), "");
}

TEST(ScgiRequest, nothing_of_one_request_is_left_in_the_next) {
  Request request;
  const ExactBytes first(head_of({{"CONTENT_LENGTH", "9"}, {"SCGI", "1"}, {"HTTP_A", "1"}, {"HTTP_A", "2"}}));
  ASSERT_TRUE(parse_scgi_head(first.view(), kLimits, request));
  const ExactBytes bad("3:abc,");
  ASSERT_FALSE(parse_scgi_head(bad.view(), kLimits, request));
  const ExactBytes second(head_with({{"HTTP_B", "3"}}));
  ASSERT_TRUE(parse_scgi_head(second.view(), kLimits, request));
  EXPECT_EQ(request.content_length, 0u);
  EXPECT_EQ(request.variables.size(), 3u);
  EXPECT_EQ(request.find("HTTP_A"), nullptr);
  EXPECT_TRUE(request.merged.empty());
}

}  // namespace
}  // namespace forklift::protocol
