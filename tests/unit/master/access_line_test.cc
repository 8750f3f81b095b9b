#include "master/access_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>

#include "../base/json_string.h"

namespace forklift::master {
namespace {

using config::AccessFormat;
using testing::HasSubstr;

std::string line_of(std::string_view format, const AccessRecord& record) {
  const auto parsed = AccessFormat::parse(format);
  if (!parsed) return parsed.error().message();
  std::string line;
  append_access_line(line, *parsed, record);
  return line;
}

AccessRecord usual() {
  using namespace std::chrono;
  return {.time = sys_days(2026y / November / 25) + hours(10) + milliseconds(123),
          .app = "shop",
          .generation = 4,
          .worker = 4711,
          .request = {.method = "GET",
                      .uri = "/a?b=c",
                      .remote_addr = "192.0.2.1",
                      .remote_user = "ann",
                      .protocol = "HTTP/1.1",
                      .referer = "http://x/",
                      .user_agent = "curl/7.88"},
          .status = 200,
          .bytes = 1234,
          .complete = true,
          .took = microseconds(12'345),
          .waited = microseconds(45)};
}

// Everything that a client can choose, full of what could hurt.
AccessRecord hostile() {
  static const std::string bytes = [] {
    std::string all;
    for (int c = 0; c < 256; ++c) all += static_cast<char>(c);
    return all + "\xe2\x80\xa8\xe2\x80\xae\xc3\xa9";
  }();
  AccessRecord record = usual();
  record.request = {bytes, bytes, bytes, bytes, bytes, bytes, bytes};
  return record;
}

TEST(AccessLine, combined_is_that_of_other_servers) {
  EXPECT_EQ(line_of("combined", usual()),
            "192.0.2.1 - ann [25/Nov/2026:10:00:00 +0000] \"GET /a?b=c HTTP/1.1\" 200 1234 \"http://x/\" "
            "\"curl/7.88\"\n");
}

TEST(AccessLine, what_is_not_known_is_a_dash) {
  AccessRecord record = usual();
  record.request = {};
  record.status = 408;
  record.bytes = 0;
  EXPECT_EQ(line_of("combined", record), "- - - [25/Nov/2026:10:00:00 +0000] \"- - -\" 408 0 \"-\" \"-\"\n");
}

TEST(AccessLine, json_has_all_fields_and_numbers_as_numbers) {
  EXPECT_EQ(line_of("json", usual()),
            R"({"time":"2026-11-25T10:00:00.123Z","app":"shop","generation":4,"pid":4711,"remote_addr":"192.0.2.1",)"
            R"("remote_user":"ann","method":"GET","uri":"/a?b=c","protocol":"HTTP/1.1","status":200,"bytes":1234,)"
            R"("referer":"http://x/","user_agent":"curl/7.88","ending":"complete","seconds":0.012345,)"
            R"("wait_seconds":0.000045})"
            "\n");
}

TEST(AccessLine, a_format_of_ones_own_has_every_field) {
  EXPECT_EQ(
      line_of("$time $clf_time $app $generation $pid $remote_addr $remote_user $method $uri $protocol $status "
              "$bytes $referer $user_agent $ending $seconds $wait_seconds $$",
              usual()),
      "2026-11-25T10:00:00.123Z 25/Nov/2026:10:00:00 +0000 shop 4 4711 192.0.2.1 ann GET /a?b=c HTTP/1.1 200 1234 "
      "http://x/ curl/7.88 complete 0.012345 0.000045 $\n");
  AccessRecord record = usual();
  record.complete = false;
  EXPECT_EQ(line_of("<${ending}>", record), "<aborted>\n");
}

TEST(AccessLine, is_one_printable_line_whatever_the_client_sends) {
  for (const char* format : {"combined", "json", "$uri"}) {
    std::string line = line_of(format, hostile());
    ASSERT_EQ(line.back(), '\n');
    line.pop_back();
    for (std::string_view rest = line; !rest.empty();) {
      const Utf8 character = first_character(rest);
      ASSERT_GT(character.bytes, 0U) << line;
      ASSERT_TRUE(is_harmless(character.code)) << line;
      rest.remove_prefix(character.bytes);
    }
    EXPECT_THAT(line, HasSubstr("\xc3\xa9")) << "good UTF-8 stays";
  }
}

TEST(AccessLine, a_client_cannot_close_the_quotes) {
  const std::string line = line_of("combined", hostile());
  // Unescaped ones: those of the request, the referer and the user agent.
  const std::regex pattern(R"-([^"]*\[[^"]*\] "([^"\\]|\\.)*" 200 1234 "([^"\\]|\\.)*" "([^"\\]|\\.)*"\n)-");
  AccessRecord record = usual();
  record.request.uri = record.request.referer = record.request.user_agent = "\" 500 \\\" 1 \\";
  EXPECT_TRUE(std::regex_match(line_of("combined", record), pattern)) << line_of("combined", record);
  EXPECT_THAT(line, HasSubstr(R"(!\"#$)"));
}

TEST(AccessLine, json_is_valid_and_says_the_same_bytes) {
  AccessRecord record = usual();
  record.request.uri = hostile().request.uri.substr(0, 256);
  const std::string line = line_of("json", record);
  const std::regex pattern(R"-(.*"uri":"((?:[^"\\]|\\.)*)","protocol":.*\n)-");
  std::smatch parts;
  ASSERT_TRUE(std::regex_match(line, parts, pattern)) << line;
  EXPECT_EQ(decode_json_string(parts[1].str()), std::string(record.request.uri));
}

TEST(AccessLine, is_appended) {
  std::string out = "before\n";
  append_access_line(out, *AccessFormat::parse("$status"), usual());
  EXPECT_EQ(out, "before\n200\n");
}

}  // namespace
}  // namespace forklift::master
