#include <gmock/gmock.h>
#include <forklift/web/escape.hpp>
#include <forklift/web/url.hpp>

#include "request.h"

namespace web_test {
namespace {

using namespace forklift::web;
using namespace std::string_literals;

TEST(WebUrl, DecodesEachByteOnce) {
  EXPECT_EQ(decode_url("a%20b%2Fc%2f+%00%fF"), "a b/c/+\0\xff"s);
  EXPECT_EQ(decode_url("%2541"), "%41") << "twice would be A";
  EXPECT_EQ(decode_url(""), "");
}

TEST(WebUrl, RefusesAPercentSignWithoutTwoDigits) {
  for (const char* bad : {"%", "%4", "a%", "%4g", "%g4", "%%41", "% 4", "%-1", "%0x41", "100%"}) {
    EXPECT_EQ(refusal_of([&] { decode_url(bad); }), "400 a percent sign is not followed by two hexadecimal digits")
        << bad;
  }
}

TEST(WebUrl, EncodesAllThatIsNotUnreserved) {
  EXPECT_EQ(encode_url("Az09-._~"), "Az09-._~");
  EXPECT_EQ(encode_url("/ ?&=+%#\n\xc3\xa9"), "%2F%20%3F%26%3D%2B%25%23%0A%C3%A9");
  EXPECT_EQ(encode_path("/a b/c"), "/a%20b/c");
}

TEST(WebUrl, DecodesWhatItHasEncodedForAnyBytes) {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all.push_back(static_cast<char>(byte));
  EXPECT_EQ(decode_url(encode_url(all)), all);
  EXPECT_EQ(decode_url(encode_path(all)), all);
}

TEST(WebHtml, EscapesWhatBeginsATagAnEntityOrTheEndOfAnAttribute) {
  EXPECT_EQ(html("<a href=\"x\" b='y'>&amp;</a>"), "&lt;a href=&quot;x&quot; b=&#39;y&#39;&gt;&amp;amp;&lt;/a&gt;");
  EXPECT_EQ(html("plain \xc3\xa9"), "plain \xc3\xa9");
}

}  // namespace
}  // namespace web_test
