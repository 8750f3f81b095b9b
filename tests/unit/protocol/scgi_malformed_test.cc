// Heads that a client or a broken front server may send, each with the answer and a piece of the reason in the log.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocol/frame.h"
#include "protocol/request.h"
#include "scgi_text.h"

namespace forklift::protocol {
namespace {

using namespace std::string_view_literals;
using testing::HasSubstr;

constexpr RequestLimits kCaseLimits{.body = 1000000, .variables = 20};

struct Case {
  std::string head;
  int status;
  std::string_view reason;
};

std::string raw(std::string_view block) {
  return netstring(block);
}
std::string with(std::string name, std::string value) {
  return head_with({{std::move(name), std::move(value)}});
}
std::string length(std::string value) {
  return head_of({{"CONTENT_LENGTH", std::move(value)}, {"SCGI", "1"}});
}
std::string scgi(std::string value) {
  return head_of({{"CONTENT_LENGTH", "0"}, {"SCGI", std::move(value)}});
}
std::string two_lengths(std::string ours, std::string client) {
  return head_of({{"CONTENT_LENGTH", std::move(ours)}, {"SCGI", "1"}, {"HTTP_CONTENT_LENGTH", std::move(client)}});
}
std::string twice(const std::string& name, std::string a, std::string b) {
  return head_with({{name, std::move(a)}, {name, std::move(b)}});
}

std::vector<Case> netstrings() {
  return {
      {"", 400, "not one whole netstring"},
      {"7", 400, "not one whole netstring"},
      {"70:", 400, "the head is 3 bytes long and not one whole netstring: \"70:\""},
      {"0:,", 400, "a header block is not empty"},
      {"00:,", 400, "no leading zero"},
      {":,", 400, "expected the digits"},
      {"3:abc", 400, "not one whole netstring"},
      {"3:abc;", 400, "expected \",\" behind the header block of 3 bytes, got \";\""},
      {head_with({}) + ",", 400, "not one whole netstring"},
      {head_with({}) + head_with({}), 400, "not one whole netstring"},
      {fmt::format("0{}", head_with({})), 400, "no leading zero"},
      {fmt::format("+{}", head_with({})), 400, "expected the digits"},
      {fmt::format(" {}", head_with({})), 400, "expected the digits"},
      {"99999999999999999999999:x,", 431, "limits.head"},
      {"GET / HTTP/1.1\r\n\r\n", 400, "looks like HTTP"},
  };
}

std::vector<Case> structures() {
  return {
      {raw("x"), 400, "the header block ends inside the name \"x\": no NUL follows"},
      {raw("CONTENT_LENGTH"), 400, "inside the name \"CONTENT_LENGTH\""},
      {raw("CONTENT_LENGTH\0"sv), 400, "\"CONTENT_LENGTH\" has no value: the header block is an odd number of strings"},
      {raw("CONTENT_LENGTH\0000"sv), 400, "ends inside the value of \"CONTENT_LENGTH\": no NUL follows \"0\""},
      {raw("CONTENT_LENGTH\0000\0SCGI\0001"sv), 400, "ends inside the value of \"SCGI\": no NUL follows \"1\""},
      {raw("CONTENT_LENGTH\0000\0SCGI\0"sv), 400, "\"SCGI\" has no value"},
      {raw("CONTENT_LENGTH\0000\0SCGI"sv), 400, "ends inside the name \"SCGI\""},
      {raw("CONTENT_LENGTH\0000\0SCGI\0001\0\0"sv), 400, "\"\" has no value"},
      {raw("CONTENT_LENGTH\0000\0SCGI\0001\0X\0"sv), 400, "\"X\" has no value: the header block is an odd number"},
      {raw("\0"sv), 400, "\"\" has no value"},
      {raw("\0\0"sv), 400, "the first variable is \"\""},
      {raw("\0CONTENT_LENGTH\0000\0"sv), 400, "the first variable is \"\""},
      {raw("CONTENT_LENGTH\0\0000\0SCGI\0001\0"sv), 400, "CONTENT_LENGTH is \"\": expected digits"},
      {raw("CONTENT_LENGTH=0\0SCGI=1\0"sv), 400, "the first variable is \"CONTENT_LENGTH=0\""},
      {raw("CONTENT_LENGTH: 0\r\nSCGI: 1\r\n"), 400, "ends inside the name \"CONTENT_LENGTH: 0\\r\\nSCGI: 1\\r\\n\""},
  };
}

std::vector<Case> content_lengths() {
  return {
      {head_of({{"SCGI", "1"}, {"CONTENT_LENGTH", "0"}}), 400, "the first variable is \"SCGI\": SCGI begins with CON"},
      {head_of({{"SCGI", "1"}}), 400, "the first variable is \"SCGI\""},
      {head_of({{"content_length", "0"}, {"SCGI", "1"}}), 400, "the first variable is \"content_length\""},
      {head_of({{"CONTENT_LENGTH ", "0"}, {"SCGI", "1"}}), 400, "the first variable is \"CONTENT_LENGTH \""},
      {head_of({{"HTTP_CONTENT_LENGTH", "0"}, {"SCGI", "1"}}), 400, "the first variable is \"HTTP_CONTENT_LENGTH\""},
      {length(""), 400, "CONTENT_LENGTH is \"\": expected digits"},
      {length("-1"), 400, "CONTENT_LENGTH is \"-1\""},
      {length("+1"), 400, "CONTENT_LENGTH is \"+1\""},
      {length(" 1"), 400, "CONTENT_LENGTH is \" 1\""},
      {length("1 "), 400, "CONTENT_LENGTH is \"1 \""},
      {length("1\n"), 400, "CONTENT_LENGTH is \"1\\n\""},
      {length("0x10"), 400, "CONTENT_LENGTH is \"0x10\""},
      {length("1e3"), 400, "CONTENT_LENGTH is \"1e3\""},
      {length("1.0"), 400, "CONTENT_LENGTH is \"1.0\""},
      {length("1,1"), 400, "CONTENT_LENGTH is \"1,1\""},
      {length("1_000"), 400, "CONTENT_LENGTH is \"1_000\""},
      {length("\xd9\xa7"), 400, "CONTENT_LENGTH is \"\xd9\xa7\""},
      {length("99999999999999999999999x"), 400, "expected digits"},
      {length("1000001"), 413, "CONTENT_LENGTH is \"1000001\": above the limit of 1000000 bytes (limits.body)"},
      {length("10737418240"), 413, "limits.body"},
      {length("18446744073709551616"), 413, "limits.body"},
      {length("18446744073710551616"), 413, "limits.body"},
      {length(std::string(500, '9')), 413, "limits.body"},
      {two_lengths("0", "6"), 400, "scgi_request_buffering on"},
      {two_lengths("3", "6"), 400, "HTTP_CONTENT_LENGTH is \"6\", but CONTENT_LENGTH is 3"},
      {two_lengths("6", "0"), 400, "HTTP_CONTENT_LENGTH is \"0\""},
      {two_lengths("6", ""), 400, "HTTP_CONTENT_LENGTH is \"\""},
      {two_lengths("6", "6, 6"), 400, "HTTP_CONTENT_LENGTH is \"6, 6\""},
      {two_lengths("6", "+6"), 400, "HTTP_CONTENT_LENGTH is \"+6\""},
      {two_lengths("6", "18446744073709551622"), 400, "HTTP_CONTENT_LENGTH is \"18446744073709551622\""},
  };
}

std::vector<Case> names_and_values() {
  return {
      {head_of({{"CONTENT_LENGTH", "0"}}), 400, "the variable SCGI is missing: expected \"1\" (in nginx: \"scgi_param"},
      {head_of({{"CONTENT_LENGTH", "0"}, {"scgi", "1"}}), 400, "the variable SCGI is missing"},
      {scgi(""), 400, "SCGI is \"\": expected \"1\""},
      {scgi("0"), 400, "SCGI is \"0\""},
      {scgi("2"), 400, "SCGI is \"2\""},
      {scgi("01"), 400, "SCGI is \"01\""},
      {scgi("1.0"), 400, "SCGI is \"1.0\""},
      {scgi("1 "), 400, "SCGI is \"1 \""},
      {with("", "x"), 400, "variable 3 has the name \"\": expected visible ASCII"},
      {with("A=B", "x"), 400, "variable 3 has the name \"A=B\""},
      {with("=", "x"), 400, "has the name \"=\""},
      {with("A B", "x"), 400, "has the name \"A B\""},
      {with("A\tB", "x"), 400, "has the name \"A\\tB\""},
      {with("A\nB", "x"), 400, "has the name \"A\\nB\""},
      {with("A\x7f", "x"), 400, "has the name \"A\\x7f\""},
      {with("\xc3\xa4", "x"), 400, "has the name \"\xc3\xa4\""},
      {with("\x1b[31m", "x"), 400, "has the name \"\\x1b[31m\""},
      {with("HTTP_X", "a\r\nSet-Cookie: b"), 400, "\"HTTP_X\" has a line break in its value"},
      {with("HTTP_X", "a\n"), 400, "no header of a client can have: \"a\\n\""},
      {with("HTTP_X", "\r"), 400, "\"HTTP_X\" has a line break"},
      {with("HTTP_COOKIE", "a\nb"), 400, "\"HTTP_COOKIE\" has a line break"},
      {with("HTTP_", "\n"), 400, "\"HTTP_\" has a line break"},
      {head_with({{"HTTP_X", "a"}, {"HTTP_X", "b\n"}}), 400, "\"HTTP_X\" has a line break"},
  };
}

std::vector<Case> repetitions() {
  Pairs many;
  for (int i = 0; i < 19; ++i) many.emplace_back(fmt::format("X{}", i), "");
  return {
      {twice("CONTENT_LENGTH", "0", "0"), 400, "\"CONTENT_LENGTH\" comes twice, as \"0\" and as \"0\""},
      {head_with({{"CONTENT_LENGTH", "5"}}), 400, "\"CONTENT_LENGTH\" comes twice, as \"0\" and as \"5\""},
      {head_with({{"SCGI", "1"}}), 400, "\"SCGI\" comes twice"},
      {twice("REQUEST_URI", "/a", "/b"), 400, "\"REQUEST_URI\" comes twice, as \"/a\" and as \"/b\""},
      {twice("REQUEST_METHOD", "GET", "GET"), 400, "\"REQUEST_METHOD\" comes twice"},
      {twice("CONTENT_TYPE", "a", "b"), 400, "\"CONTENT_TYPE\" comes twice"},
      {twice("http_x", "a", "b"), 400, "\"http_x\" comes twice"},
      {twice("HTTPS", "on", "off"), 400, "\"HTTPS\" comes twice"},
      {twice("HTTP_HOST", "a", "b"), 400, "\"HTTP_HOST\" comes twice, as \"a\" and as \"b\""},
      {twice("HTTP_AUTHORIZATION", "a", "b"), 400, "\"HTTP_AUTHORIZATION\" comes twice"},
      {twice("HTTP_CONTENT_LENGTH", "0", "0"), 400, "\"HTTP_CONTENT_LENGTH\" comes twice"},
      {head_with(many), 431, "more than 20 variables"},
  };
}

void expect_refused(const std::vector<Case>& cases) {
  for (const Case& test : cases) {
    const ExactBytes bytes(test.head);
    Request request;
    const auto result = parse_scgi_head(bytes.view(), kCaseLimits, request);
    ASSERT_FALSE(result) << "accepted: " << testing::PrintToString(test.head);
    EXPECT_EQ(result.error().status, test.status) << testing::PrintToString(test.head);
    EXPECT_THAT(result.error().reason, HasSubstr(test.reason)) << testing::PrintToString(test.head);
    EXPECT_LT(result.error().reason.size(), 1000u);
    for (const char c : result.error().reason)
      EXPECT_TRUE(static_cast<unsigned char>(c) >= ' ' && c != 0x7f) << result.error().reason;
  }
}

TEST(ScgiMalformed, netstring) {
  expect_refused(netstrings());
}
TEST(ScgiMalformed, nul_structure) {
  expect_refused(structures());
}
TEST(ScgiMalformed, content_length) {
  expect_refused(content_lengths());
}
TEST(ScgiMalformed, names_and_values) {
  expect_refused(names_and_values());
}
TEST(ScgiMalformed, repetitions_and_count) {
  expect_refused(repetitions());
}

// Whatever the split, the worker is given the same bytes: the frame delimits the same head each time, and only the
// parser refuses it.
TEST(ScgiMalformed, what_only_the_parser_can_refuse_is_delimited_alike_in_any_split) {
  for (const auto& cases : {structures(), content_lengths(), names_and_values(), repetitions()}) {
    for (const Case& test : cases) {
      for (std::size_t arrived = 0; arrived <= test.head.size(); ++arrived) {
        const ExactBytes bytes(std::string_view(test.head).substr(0, arrived));
        const HeadScan scan = kScgiFrame.scan(bytes.view(), 65536);
        ASSERT_EQ(scan.verdict == HeadScan::Verdict::kComplete, arrived == test.head.size());
        ASSERT_NE(scan.verdict, HeadScan::Verdict::kBad);
      }
    }
  }
}

TEST(ScgiMalformed, every_good_head_cut_short_is_refused) {
  for (const std::string& head : good_heads()) {
    for (std::size_t size = 0; size < head.size(); ++size) {
      const ExactBytes bytes(std::string_view(head).substr(0, size));
      Request request;
      ASSERT_FALSE(parse_scgi_head(bytes.view(), kCaseLimits, request)) << size;
    }
  }
}

TEST(ScgiMalformed, every_good_block_cut_short_is_refused) {
  for (const std::string& head : good_heads()) {
    const std::string block = head.substr(head.find(':') + 1, head.size() - head.find(':') - 2);
    std::size_t accepted = 0;
    for (std::size_t size = 1; size < block.size(); ++size) {
      const ExactBytes bytes(netstring(block.substr(0, size)));
      Request request;
      if (!parse_scgi_head(bytes.view(), {.body = 1000000}, request)) continue;
      // Only a cut between two variables leaves a head, and that has all which it holds.
      ++accepted;
      ASSERT_EQ(block[size - 1], '\0');
      ASSERT_NE(request.find("SCGI"), nullptr);
    }
    ASSERT_LT(accepted, 10u);
  }
}

}  // namespace
}  // namespace forklift::protocol
