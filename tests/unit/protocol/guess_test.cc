#include <gtest/gtest.h>

#include "protocol/frame.h"
#include "scgi_text.h"

namespace forklift::protocol {
namespace {

using namespace std::string_view_literals;

struct Sample {
  std::string_view bytes;
  std::string_view guess;
};

constexpr Sample kSamples[] = {
    {"GET / HTTP/1.1\r\n"sv, "HTTP"},
    {"OPTIONS * HTTP/1.1\r\n"sv, "HTTP"},
    {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"sv, "HTTP"},
    {"VERSION-CONTROL /x HTTP/1.1\r\n"sv, "HTTP"},
    {"HTTP/1.1 200 OK\r\n"sv, "HTTP"},
    {"\x16\x03\x01\x00\xa5\x01"sv, "TLS"},
    {"\x16\x03\x03"sv, "TLS"},
    {"\x01\x01\x00\x01\x00\x08\x00\x00\x00\x01"sv, "FastCGI"},
    {"\x01\x09\x00\x00\x00\x00\x00\x00"sv, "FastCGI"},
    {"PROXY TCP4 192.0.2.1 192.0.2.2 5 6\r\n"sv, "PROXY protocol"},
    {"PROXY UNKNOWN\r\n"sv, "PROXY protocol"},
    {"\r\n\r\n\0\r\nQUIT\n\x21\x11"sv, "PROXY protocol"},
    {"\0\x60\x01\0\x0e\0REQUEST_METHOD"sv, "uwsgi"},
    // nothing known, or too little to say
    {""sv, ""},
    {"G"sv, ""},
    {"GET"sv, ""},
    {"\x16"sv, ""},
    {"\x01"sv, ""},
    {"\x01\x0c"sv, ""},
    {"\0\x60\x01\0\x0e\0"sv, ""},
    {"\0\0\0\0\0\0\0\0"sv, ""},
    {"\r\n\r\n"sv, ""},
    {"get / http/1.1\r\n"sv, ""},
    {"SSH-2.0-OpenSSH_9.2\r\n"sv, ""},
    {"70:CONTENT_LENGTH\0"sv, ""},
    {"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA / "sv, ""},
    {"\xff\xff\xff\xff"sv, ""},
};

TEST(GuessProtocol, names_what_a_front_server_sends_to_the_wrong_port) {
  for (const Sample& sample : kSamples) {
    const ExactBytes exact(sample.bytes);
    EXPECT_EQ(guess_protocol(exact.view()), sample.guess) << testing::PrintToString(sample.bytes);
  }
}

TEST(GuessProtocol, a_longer_prefix_never_changes_a_guess) {
  for (const Sample& sample : kSamples) {
    std::string_view before;
    for (std::size_t arrived = 0; arrived <= sample.bytes.size(); ++arrived) {
      const ExactBytes exact(sample.bytes.substr(0, arrived));
      const std::string_view now = guess_protocol(exact.view());
      if (!before.empty()) {
        EXPECT_EQ(now, before) << testing::PrintToString(sample.bytes);
      }
      before = now;
    }
  }
}

}  // namespace
}  // namespace forklift::protocol
