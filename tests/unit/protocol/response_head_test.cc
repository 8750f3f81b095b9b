#include "protocol/response_head.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scgi_text.h"

namespace forklift::protocol {
namespace {

using namespace std::string_view_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

ResponseHead parsed(std::string_view block) {
  const ExactBytes bytes(block);
  auto head = parse_cgi_head(bytes.view());
  if (!head) ADD_FAILURE() << testing::PrintToString(block) << ": " << head.error();
  return head.value_or(ResponseHead{});
}

std::string refused(std::string_view block) {
  const ExactBytes bytes(block);
  const auto head = parse_cgi_head(bytes.view());
  return head ? "accepted" : head.error();
}

std::string written(const ResponseHead& head) {
  std::string out;
  write_scgi_head(head, out);
  return out;
}

TEST(FindBlockEnd, is_behind_the_first_blank_line) {
  const std::pair<std::string_view, std::size_t> cases[] = {
      {"A: b\n\nbody\n\n", 6},    {"A: b\r\n\r\nbody", 8}, {"A: b\r\n\nbody", 7}, {"A: b\n\r\nbody", 7},
      {"A: b\nC: d\r\n\r\n", 13}, {"\nA: b\n\n", 1},       {"\r\nA: b\n\n", 2},   {"A: b\n \n\nbody", 8},
      {"A: b\n\r\r\n\n", 9},      {"A: b\r\r\n\n", 8},
  };
  for (const auto& [bytes, end] : cases) EXPECT_EQ(find_block_end(bytes), end) << testing::PrintToString(bytes);
  for (const std::string_view bytes :
       {"", "\r", "A", "A: b", "A: b\n", "A: b\r\n", "A: b\r\n\r", "A: b\n\r", "A: b\r\r"}) {
    EXPECT_EQ(find_block_end(bytes), std::string_view::npos) << testing::PrintToString(bytes);
  }
}

TEST(FindBlockEnd, is_the_same_however_the_bytes_arrive) {
  for (const std::string_view whole : {"A: b\n\nbody"sv, "A: b\r\n\r\nbody"sv, "A: b\r\n\nbody"sv, "A: b\n\r\nbody"sv,
                                       "A: b\nC: d\n\r\n\nx"sv, "\n\n"sv, "\r\n\r\n"sv, "A\r\r\n\r\n"sv}) {
    const std::size_t end = find_block_end(whole);
    for (std::size_t first = 0; first <= whole.size(); ++first) {
      const ExactBytes start(whole.substr(0, first));
      const std::size_t early = find_block_end(start.view());
      EXPECT_EQ(early, first < end ? std::string_view::npos : end);
      if (early == std::string_view::npos) {
        EXPECT_EQ(find_block_end(whole, first), end);
      }
    }
    std::size_t looked_at = 0;
    for (std::size_t arrived = 1; arrived < end; looked_at = arrived++) {
      EXPECT_EQ(find_block_end(whole.substr(0, arrived), looked_at), std::string_view::npos);
    }
    EXPECT_EQ(find_block_end(whole.substr(0, end), looked_at), end);
  }
}

TEST(CgiHead, line_ends_may_be_lf_or_crlf_or_mixed) {
  for (const std::string_view block : {"Status: 201 Made\nContent-Type: text/html\nX: y\n\n",
                                       "Status: 201 Made\r\nContent-Type: text/html\r\nX: y\r\n\r\n",
                                       "Status: 201 Made\nContent-Type: text/html\r\nX: y\n\r\n",
                                       "Status: 201 Made\r\nContent-Type: text/html\nX: y\r\n\n"}) {
    const ResponseHead head = parsed(block);
    EXPECT_EQ(head.status, 201);
    EXPECT_EQ(head.reason, "Made");
    EXPECT_THAT(head.headers, ElementsAre(Pair("Content-Type", "text/html"), Pair("X", "y")));
    EXPECT_EQ(head.content_length, std::nullopt);
  }
}

TEST(CgiHead, status_is_optional_and_so_is_its_phrase) {
  EXPECT_EQ(parsed("Content-Type: text/plain\n\n").status, 200);
  EXPECT_EQ(parsed("Content-Type: text/plain\n\n").reason, "");
  EXPECT_EQ(parsed("Status: 404\n\n").status, 404);
  EXPECT_EQ(parsed("Status: 404\n\n").reason, "");
  EXPECT_EQ(parsed("STATUS:404 Not Found\n\n").reason, "Not Found");
  EXPECT_EQ(parsed("status:  404   Not  Found \n\n").reason, "Not  Found");
  EXPECT_EQ(parsed("X: y\nStatus: 503 Busy\n\n").status, 503);
}

TEST(CgiHead, values_are_trimmed_and_may_be_empty_or_hold_colons_and_tabs) {
  EXPECT_THAT(parsed("A:b\nC: \t d\te:f \t\nE:\nF: \n\n").headers,
              ElementsAre(Pair("A", "b"), Pair("C", "d\te:f"), Pair("E", ""), Pair("F", "")));
  EXPECT_THAT(parsed("A: \xc3\xa4\n\n").headers, ElementsAre(Pair("A", "\xc3\xa4")));
}

TEST(CgiHead, headers_may_repeat_in_their_order) {
  EXPECT_THAT(parsed("Set-Cookie: a\nX: y\nSet-Cookie: b\n\n").headers,
              ElementsAre(Pair("Set-Cookie", "a"), Pair("X", "y"), Pair("Set-Cookie", "b")));
}

TEST(CgiHead, location_without_status_is_302) {
  EXPECT_EQ(parsed("Location: https://example.org/\n\n").status, 302);
  EXPECT_EQ(parsed("location: /local\nX: y\n\n").status, 302);
  EXPECT_EQ(parsed("Location: /x\nStatus: 201 Created\n\n").status, 201);
  EXPECT_EQ(parsed("Status: 200\nLocation: /x\n\n").status, 200);
  EXPECT_EQ(parsed("Content-Location: /x\n\n").status, 200);
}

TEST(CgiHead, content_length_is_read) {
  EXPECT_EQ(parsed("content-length: 42\n\n").content_length, 42u);
  EXPECT_THAT(parsed("Content-Length: 42\n\n").headers, ElementsAre(Pair("Content-Length", "42")));
  EXPECT_EQ(parsed("Content-Length: 0\n\n").content_length, 0u);
}

TEST(CgiHead, connection_is_left_out) {
  EXPECT_THAT(parsed("Connection: close\nX: y\n\n").headers, ElementsAre(Pair("X", "y")));
}

TEST(CgiHead, what_is_refused_and_how_the_log_names_it) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"", "has no blank line behind its headers: \"\""},
      {"X: y", "has no blank line behind its headers: \"X: y\""},
      {"X: y\n", "has no blank line"},
      {"X: y\n\nbody", "has no blank line"},
      {"\n", "begins with a blank line: it has no headers"},
      {"\r\n", "begins with a blank line"},
      {"<html>\n\n", "header line 1 has no colon: \"<html>\""},
      {"X: y\ngarbage\x1b\n\n", "header line 2 has no colon: \"garbage\\x1b\""},
      {": y\n\n", "header line 1 has no name in front of its colon: \": y\""},
      {"X : y\n\n", "header line 1 has white space in front of its colon: \"X : y\""},
      {"X\t: y\n\n", "header line 1 has white space in front of its colon"},
      {"X: y\n folded\n\n", "header line 2 begins with white space, and folded lines are not accepted: \" folded\""},
      {"X: y\r\n\tfolded\r\n\r\n", "header line 2 begins with white space"},
      {" X: y\n\n", "header line 1 begins with white space"},
      {"X: y\n \n\n", "header line 2 begins with white space"},
      {"HTTP/1.1 200 OK\r\nX: y\r\n\r\n", "an HTTP status line: \"HTTP/1.1 200 OK\"; only a non-parsed-header (NPH)"},
      {"Status: 404Foo\n\n", "Status is \"404Foo\": expected three digits"},
      {"Status: 404\tFoo\n\n", "Status is \"404\\tFoo\""},
      {"Status:\n\n", "Status is \"\""},
      {"Status: 20\n\n", "Status is \"20\""},
      {"Status: 2000\n\n", "Status is \"2000\""},
      {"Status: +20\n\n", "Status is \"+20\""},
      {"Status: OK\n\n", "Status is \"OK\""},
      {"Status: 100 Continue\n\n", "the status is 100: expected 200 to 599"},
      {"Status: 099\n\n", "the status is 99"},
      {"Status: 600 Odd\n\n", "the status is 600"},
      {"Status: 200 O\x01K\n\n", "the status 200 has a control character in its phrase: \"O\\x01K\""},
      {"Status: 200\nStatus: 200\n\n", "the response has a second Status: \"200\""},
      {"Status: 200\nSTATUS: 404\n\n", "the response has a second Status: \"404\""},
      {"Content-Length: 1\nContent-Length: 1\n\n", "the response has a second Content-Length: \"1\""},
      {"Content-Length: 1\ncontent-length: 2\n\n", "the response has a second Content-Length: \"2\""},
      {"Content-Length: x\n\n", "Content-Length is \"x\": expected digits"},
      {"Content-Length:\n\n", "Content-Length is \"\""},
      {"Content-Length: -1\n\n", "Content-Length is \"-1\""},
      {"Content-Length: 1, 1\n\n", "Content-Length is \"1, 1\""},
      {"Content-Length: 18446744073709551616\n\n", "less than 2^64"},
      {"Transfer-Encoding: chunked\n\n", "the header Transfer-Encoding is the front server's to send"},
      {"X(Y): z\n\n", "a header has the name \"X(Y)\""},
      {"\xc3\xa4: z\n\n", "a header has the name \"\xc3\xa4\""},
      {"X: a\rb\n\n", "the header X has a control character in its value: \"a\\rb\""},
      {"X: a\r\r\n\n", "the header X has a control character in its value: \"a\\r\""},
      {"X: a\0b\n\n"sv, "the header X has a control character in its value: \"a\\x00b\""},
      {"X\0: b\n\n"sv, "a header has the name \"X\\x00\""},
      {"X: \x7f\n\n", "the header X has a control character"},
      {"X: \x1b[31m\n\n", "the header X has a control character"},
      {"\r\r\n\n", "header line 1 has no colon: \"\\r\""},
  };
  for (const auto& [block, reason] : cases) {
    const std::string error = refused(block);
    EXPECT_THAT(error, HasSubstr(reason)) << testing::PrintToString(block);
    for (const char c : error) EXPECT_TRUE(static_cast<unsigned char>(c) >= ' ' && c != 0x7f) << error;
  }
}

TEST(CgiHead, a_log_line_shows_a_bounded_piece_of_the_response) {
  EXPECT_LT(refused(std::string(100000, '\xff') + "\n\n").size(), 500u);
  EXPECT_LT(refused("X: " + std::string(100000, '\x01') + "\n\n").size(), 500u);
}

TEST(CgiHead, the_number_of_headers_is_bounded) {
  std::string block;
  for (std::size_t i = 0; i < kMaxResponseHeaders; ++i) block += "X: y\n";
  EXPECT_EQ(parsed(block + "\n").headers.size(), kMaxResponseHeaders);
  EXPECT_EQ(refused(block + "X: y\n\n"), "the response has more than 200 headers");
  // What is no header of the response does not count, as it does not in a call.
  EXPECT_EQ(parsed("Status: 200\nConnection: close\n" + block + "\n").headers.size(), kMaxResponseHeaders);
}

ResponseHead structured(std::string name, std::string value) {
  ResponseHead head;
  head.headers.emplace_back(std::move(name), std::move(value));
  return head;
}

std::string checked(const ResponseHead& head) {
  const auto result = check(head);
  return result ? "accepted" : result.error();
}

TEST(Check, accepts_what_a_plugin_may_send) {
  EXPECT_EQ(checked({}), "accepted");
  EXPECT_EQ(checked(structured("Content-Type", "text/html; charset=utf-8")), "accepted");
  EXPECT_EQ(checked(structured("!#$%&'*+-.^_`|~09azAZ", "")), "accepted");
  EXPECT_EQ(checked(structured("Content-Length", "18446744073709551614")), "accepted");
  ResponseHead head = structured("Content-Length", "42");
  head.content_length = 42;
  EXPECT_EQ(checked(head), "accepted");
}

TEST(Check, refuses_what_would_break_the_response) {
  const std::tuple<std::string_view, std::string_view, std::string_view> cases[] = {
      {"X", "a\r\nSet-Cookie: b", "control character in its value: \"a\\r\\nSet-Cookie: b\""},
      {"X", "a\n", "control character"},
      {"X", "a\0"sv, "control character"},
      {"", "a", "a header has the name \"\""},
      {"X:", "a", "a header has the name \"X:\""},
      {"X Y", "a", "a header has the name \"X Y\""},
      {"X\r\n", "a", "a header has the name \"X\\r\\n\""},
      {"X\0"sv, "a", "a header has the name \"X\\x00\""},
      {"Status", "200", "the status is given twice: 200 and as a header"},
      {"status", "200", "the status is given twice"},
      {"Transfer-Encoding", "chunked", "the header Transfer-Encoding is the front server's"},
      {"CONNECTION", "close", "the header CONNECTION is the front server's"},
      {"Content-Length", "1x", "Content-Length is \"1x\""},
      {"Content-Length", "", "Content-Length is \"\""},
  };
  for (const auto& [name, value, reason] : cases) {
    EXPECT_THAT(checked(structured(std::string(name), std::string(value))), HasSubstr(reason));
  }
}

TEST(Check, status_is_200_to_599) {
  for (const int status : {-1, 0, 100, 103, 199, 600, 999}) {
    ResponseHead head;
    head.status = status;
    EXPECT_THAT(checked(head), HasSubstr("expected 200 to 599")) << status;
  }
  for (const int status : {200, 299, 418, 599}) {
    ResponseHead head;
    head.status = status;
    EXPECT_EQ(checked(head), "accepted") << status;
  }
}

TEST(Check, phrase_holds_no_line_break) {
  ResponseHead head;
  head.reason = "OK\r\nX: y";
  EXPECT_THAT(checked(head), HasSubstr("control character in its phrase"));
}

TEST(Check, lengths_that_differ_are_refused) {
  ResponseHead head = structured("Content-Length", "42");
  head.content_length = 43;
  EXPECT_EQ(checked(head), "Content-Length is 42, but the response's length was given as 43");
}

TEST(Check, the_number_of_headers_is_bounded) {
  ResponseHead head;
  head.headers.assign(kMaxResponseHeaders, {"X", "y"});
  EXPECT_EQ(checked(head), "accepted");
  head.headers.emplace_back("X", "y");
  EXPECT_EQ(checked(head), "the response has 201 headers: more than 200");
}

TEST(ForbidsBody, head_204_and_304) {
  EXPECT_TRUE(forbids_body("HEAD", 200));
  EXPECT_TRUE(forbids_body("GET", 204));
  EXPECT_TRUE(forbids_body("GET", 304));
  EXPECT_FALSE(forbids_body("GET", 200));
  EXPECT_FALSE(forbids_body("head", 404));
  EXPECT_FALSE(forbids_body("", 205));
}

TEST(ReasonPhrase, is_the_standard_one_or_that_of_the_class) {
  EXPECT_EQ(reason_phrase(200), "OK");
  EXPECT_EQ(reason_phrase(404), "Not Found");
  EXPECT_EQ(reason_phrase(511), "Network Authentication Required");
  EXPECT_EQ(reason_phrase(299), "Successful");
  EXPECT_EQ(reason_phrase(399), "Redirection");
  EXPECT_EQ(reason_phrase(499), "Client Error");
  EXPECT_EQ(reason_phrase(599), "Server Error");
  for (const int status : {-1, 0, 199, 600}) EXPECT_EQ(reason_phrase(status), "Unknown");
}

TEST(WriteScgiHead, is_status_headers_and_a_blank_line) {
  EXPECT_EQ(written({}), "Status: 200 OK\r\n\r\n");
  EXPECT_EQ(written(parsed("Status: 404 Gone fishing\nX: y\nContent-Length: 0\n\n")),
            "Status: 404 Gone fishing\r\nX: y\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(written(parsed("Location: /x\n\n")), "Status: 302 Found\r\nLocation: /x\r\n\r\n");
}

TEST(WriteScgiHead, appends_and_can_be_read_again) {
  std::string out = "before";
  write_scgi_head(structured("X", "y"), out);
  EXPECT_EQ(out, "beforeStatus: 200 OK\r\nX: y\r\n\r\n");
  const std::string again = written(parsed(written(parsed("Status: 503\nRetry-After: 5\n\n"))));
  EXPECT_EQ(again, "Status: 503 Service Unavailable\r\nRetry-After: 5\r\n\r\n");
}

}  // namespace
}  // namespace forklift::protocol
