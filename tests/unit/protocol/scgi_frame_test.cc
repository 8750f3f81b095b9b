#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "protocol/frame.h"
#include "scgi_text.h"

namespace forklift::protocol {
namespace {

using namespace std::string_view_literals;
using testing::HasSubstr;
using testing::Not;
using Verdict = HeadScan::Verdict;

constexpr std::size_t kLimit = 65536;

HeadScan scan(std::string_view bytes, std::size_t limit = kLimit) {
  const ExactBytes exact(bytes);
  return kScgiFrame.scan(exact.view(), limit);
}

TEST(ScgiFrame, published_example_byte_by_byte) {
  const std::string head = published_head();
  ASSERT_TRUE(head.starts_with("70:CONTENT_LENGTH\00027\0SCGI\0001\0"sv));
  ASSERT_EQ(head.size(), 74u);
  const std::string request = head + std::string(kPublishedBody);
  for (std::size_t arrived = 0; arrived <= request.size(); ++arrived) {
    const HeadScan verdict = scan(std::string_view(request).substr(0, arrived));
    EXPECT_EQ(verdict.verdict, arrived < 74 ? Verdict::kIncomplete : Verdict::kComplete) << arrived;
    EXPECT_EQ(verdict.head_bytes, arrived < 3 ? 0u : 74u) << arrived;
  }
}

// The master keeps no state between two reads, so "any split" is "any prefix": the verdict on each must be final as
// soon as it is not kIncomplete.
TEST(ScgiFrame, any_split_of_a_good_head_is_complete_with_its_last_byte) {
  for (const std::string& head : good_heads()) {
    for (const std::string_view follows : {""sv, "body"sv, "\0\xff"sv}) {
      const std::string bytes = head + std::string(follows);
      for (std::size_t arrived = 0; arrived <= bytes.size(); ++arrived) {
        const HeadScan verdict = scan(std::string_view(bytes).substr(0, arrived));
        if (arrived < head.size()) {
          ASSERT_EQ(verdict.verdict, Verdict::kIncomplete) << arrived;
          ASSERT_EQ(verdict.head_bytes, arrived <= head.find(':') ? 0 : head.size()) << arrived;
        } else {
          ASSERT_EQ(verdict.verdict, Verdict::kComplete) << arrived;
          ASSERT_EQ(verdict.head_bytes, head.size());
        }
        ASSERT_EQ(verdict.reason, "");
      }
    }
  }
}

struct Malformed {
  std::string bytes;
  std::size_t wrong_at;  // the offset of the first byte that no head could have there
  int status;
  std::string_view reason;
};

std::vector<Malformed> malformed() {
  return {
      {"x", 0, 400, "expected the digits of a netstring's length, got \"x\""},
      {":CONTENT_LENGTH", 0, 400, "expected the digits"},
      {",", 0, 400, "got \",\""},
      {" 70:", 0, 400, "got \" 70:\""},
      {"\n70:", 0, 400, "got \"\\n70:\""},
      {"+70:", 0, 400, "got \"+70:\""},
      {"-1:", 0, 400, "got \"-1:\""},
      {std::string("\0", 1), 0, 400, "got \"\\x00\""},
      {"\xd9\xa7", 0, 400, "got \"\xd9\xa7\""},  // the Arabic digit seven
      {"0:,", 0, 400, "a header block is not empty"},
      {"070:", 0, 400, "no leading zero"},
      {"00", 0, 400, "no leading zero"},
      {"0x46:", 0, 400, "no leading zero"},
      {"7x:", 1, 400, "expected a digit or \":\" at offset 1"},
      {"70 :", 2, 400, "at offset 2"},
      {"70;CONTENT", 2, 400, "at offset 2"},
      {"7,0:", 1, 400, "at offset 1"},
      {"7e1:", 1, 400, "at offset 1"},
      {"70\r\n", 2, 400, "got \"70\\r\\n\""},
      {std::string("7\0", 2), 1, 400, "at offset 1"},
      {"65537:", 4, 431, "65537 or more bytes is above the limit of 65536 (limits.head)"},
      {"70000", 4, 431, "limits.head"},
      {"999999999999999999999999999999", 4, 431, "limits.head"},
      {"100000:", 5, 431, "limits.head"},
      {"18446744073709551617:", 5, 431, "limits.head"},  // 2^64 + 1
      {"3:abc;", 5, 400, "expected \",\" behind the header block of 3 bytes, got \";\""},
      {"3:abcd,", 5, 400, "got \"d,\""},
      {"3:abc\n", 5, 400, "got \"\\n\""},
      {std::string("3:abc\0", 6), 5, 400, "got \"\\x00\""},
      {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 0, 400, "; this looks like HTTP"},
      {"\x16\x03\x01\x02\x03\x01\x01\xfc", 0, 400, "; this looks like TLS"},
      {std::string("\x01\x01\x00\x01\x00\x08\x00\x00", 8), 0, 400, "; this looks like FastCGI"},
      {"PROXY TCP4 192.0.2.1 192.0.2.2 5 6\r\n70:", 0, 400, "; this looks like PROXY protocol"},
      {std::string("\x00\x60\x01\x00\x0e\x00REQUEST_METHOD", 20), 0, 400, "; this looks like uwsgi"},
  };
}

TEST(ScgiFrame, a_wrong_byte_is_found_when_it_arrives_in_any_split) {
  for (const Malformed& test : malformed()) {
    for (std::size_t arrived = 0; arrived <= test.bytes.size(); ++arrived) {
      const HeadScan verdict = scan(std::string_view(test.bytes).substr(0, arrived));
      if (arrived <= test.wrong_at) {
        EXPECT_EQ(verdict.verdict, Verdict::kIncomplete) << testing::PrintToString(test.bytes) << " at " << arrived;
      } else {
        EXPECT_EQ(verdict.verdict, Verdict::kBad) << testing::PrintToString(test.bytes) << " at " << arrived;
        EXPECT_EQ(verdict.status, test.status) << testing::PrintToString(test.bytes);
        EXPECT_EQ(verdict.head_bytes, 0u);
      }
    }
    EXPECT_THAT(scan(test.bytes).reason, HasSubstr(test.reason));
    EXPECT_THAT(scan(test.bytes).reason, Not(testing::ContainsRegex("[\n\r]")));
  }
}

TEST(ScgiFrame, the_limit_bounds_the_header_block_and_not_its_punctuation) {
  const std::string exact = netstring(std::string(100, 'x'));
  EXPECT_EQ(scan(exact, 100).verdict, Verdict::kComplete);
  EXPECT_EQ(scan(exact, 100).head_bytes, 105u);
  EXPECT_EQ(scan(exact, 99).status, 431);
  EXPECT_EQ(scan("1:x,", 0).status, 431);
}

TEST(ScgiFrame, too_long_is_known_before_the_last_digit) {
  EXPECT_EQ(scan("65536:").verdict, Verdict::kIncomplete);
  EXPECT_EQ(scan("6553").verdict, Verdict::kIncomplete);
  EXPECT_EQ(scan("65537").status, 431);
}

TEST(ScgiFrame, no_limit_makes_a_length_overflow) {
  constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max();
  EXPECT_EQ(scan("18446744073709551615:", kNone).status, 431);
  EXPECT_EQ(scan("18446744073709551619:x,", kNone).status, 431);
  EXPECT_EQ(scan(std::string(400, '9'), kNone).status, 431);
  EXPECT_EQ(scan("1000000000000000000:", kNone).head_bytes, 1000000000000000021u);
}

TEST(ScgiFrame, the_final_comma_may_come_alone) {
  EXPECT_EQ(scan("3:abc").verdict, Verdict::kIncomplete);
  EXPECT_EQ(scan("3:abc").head_bytes, 6u);
  EXPECT_EQ(scan("3:abc,").verdict, Verdict::kComplete);
}

TEST(ScgiFrame, what_follows_the_head_is_not_looked_at) {
  EXPECT_EQ(scan("3:abc,GET / HTTP/1.1").verdict, Verdict::kComplete);
  EXPECT_EQ(scan("3:abc,3:abc,").head_bytes, 6u);
}

TEST(ScgiFrame, a_reason_shows_a_bounded_piece_of_what_arrived) {
  EXPECT_LT(scan(std::string(60000, '\xff')).reason.size(), 400u);
  EXPECT_LT(scan("1:x" + std::string(60000, '\xff')).reason.size(), 400u);
}

TEST(ScgiFrame, the_probe_is_what_a_front_server_would_send) {
  const auto head = kScgiFrame.probe("HEAD", "/a%20b//c/../d?e=f");
  ASSERT_TRUE(head) << head.error().message();
  EXPECT_EQ(scan(*head).head_bytes, head->size());
  for (const std::string_view variable :
       {"CONTENT_LENGTH\0000\0"sv, "REQUEST_METHOD\0HEAD\0"sv, "REQUEST_URI\0/a%20b//c/../d?e=f\0"sv,
        "QUERY_STRING\0e=f\0"sv, "DOCUMENT_URI\0/a b/d\0"sv, "HTTP_USER_AGENT\0forklift-probe\0"sv}) {
    EXPECT_THAT(*head, HasSubstr(variable));
  }
  EXPECT_THAT(*head, Not(HasSubstr("PATH_INFO")));
  EXPECT_THAT(kScgiFrame.probe("GET", "/%zz").error().message(), HasSubstr("which nginx answers with 400"));
}

TEST(ScgiFrame, canned_answers_are_whole_responses) {
  EXPECT_EQ(kScgiFrame.canned(502, 0),
            "Status: 502 Bad Gateway\r\nContent-Type: text/plain\r\nContent-Length: 16\r\n\r\n502 Bad Gateway\n");
  EXPECT_EQ(
      kScgiFrame.canned(503, 5),
      "Status: 503 Service Unavailable\r\nContent-Type: text/plain\r\nContent-Length: 24\r\nRetry-After: 5\r\n\r\n"
      "503 Service Unavailable\n");
  for (const int status : {400, 408, 413, 431, 500, 502, 503, 504}) {
    const std::string answer = kScgiFrame.canned(status, 0);
    EXPECT_THAT(answer, testing::StartsWith("Status: " + std::to_string(status) + " "));
    const std::string body = answer.substr(answer.find("\r\n\r\n") + 4);
    EXPECT_THAT(answer, HasSubstr("\r\nContent-Length: " + std::to_string(body.size()) + "\r\n"));
    EXPECT_THAT(answer, Not(HasSubstr("Retry-After")));
  }
}

}  // namespace
}  // namespace forklift::protocol
