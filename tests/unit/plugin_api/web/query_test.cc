#include <gmock/gmock.h>
#include <forklift/web/query.hpp>

#include "request.h"

namespace web_test {
namespace {

using namespace forklift::web;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

Fields parse(std::string_view text) {
  return parse_urlencoded(text, 10);
}

Fields query_of(const std::string& text, const QueryLimits& limits = {}) {
  const Variables variables{{"QUERY_STRING", text}};
  return query(forklift::Env(&variables), limits);
}

TEST(WebQuery, KeepsNamesInTheirOrderAndRepeatedOnes) {
  const Fields fields = query_of("tag=a&q=blue+shoes&tag=b");
  EXPECT_THAT(fields, ElementsAre(Pair("tag", "a"), Pair("q", "blue shoes"), Pair("tag", "b")));
  EXPECT_EQ(fields["tag"], "a");
  EXPECT_THAT(fields.all("tag"), ElementsAre("a", "b"));
  EXPECT_EQ(fields["Q"], "") << "names have case";
}

TEST(WebQuery, TellsMissingFromEmpty) {
  const Fields fields = query_of("empty=&bare");
  EXPECT_EQ(fields.get("empty"), "");
  EXPECT_EQ(fields.get("bare"), "");
  EXPECT_EQ(fields.get("missing"), std::nullopt);
  EXPECT_FALSE(fields.has("missing"));
  EXPECT_THAT(fields.all("missing"), IsEmpty());
}

TEST(WebQuery, TakesPiecesAsTheStandardDoes) {
  EXPECT_THAT(parse(""), IsEmpty());
  EXPECT_THAT(parse("&&"), IsEmpty());
  EXPECT_THAT(parse("&a=1&&b=2&"), ElementsAre(Pair("a", "1"), Pair("b", "2")));
  EXPECT_THAT(parse("=x&=&a=b=c"), ElementsAre(Pair("", "x"), Pair("", ""), Pair("a", "b=c")));
  EXPECT_THAT(parse("a+b=c%2Bd&e%26f%3D=%3D"), ElementsAre(Pair("a b", "c+d"), Pair("e&f=", "=")));
  EXPECT_THAT(parse("a;b=1;c"), ElementsAre(Pair("a;b", "1;c"))) << "a semicolon separates nothing";
}

TEST(WebQuery, RefusesWhatItCannotDecode) {
  EXPECT_EQ(refusal_of([] { query_of("a=1&b=%zz"); }), "400 a percent sign is not followed by two hexadecimal digits");
  EXPECT_EQ(refusal_of([] { query_of("%=1"); }), "400 a percent sign is not followed by two hexadecimal digits");
  EXPECT_EQ(refusal_of([] { query_of("a=%2&0"); }), "400 a percent sign is not followed by two hexadecimal digits")
      << "an escape does not reach across a separator";
}

TEST(WebQuery, HasLimits) {
  EXPECT_EQ(query_of("a&b&c", {3, 5}).size(), 3u);
  EXPECT_EQ(refusal_of([] { query_of("a&b&c", {2, 5}); }), "413 there are more fields than this page takes");
  EXPECT_EQ(refusal_of([] { query_of("a&b&cc", {3, 5}); }), "414 the query is longer than this page takes");
}

TEST(WebQuery, IsEmptyWithoutTheVariable) {
  const Variables variables{};
  EXPECT_THAT(query(forklift::Env(&variables)), IsEmpty());
}

TEST(WebQuery, WritesWhatItReads) {
  Fields fields;
  fields.add("a b", "c&d=e");
  fields.add("a b", "");
  fields.add("", "100%+");
  EXPECT_EQ(to_query(fields), "a%20b=c%26d%3De&a%20b=&=100%25%2B");
  EXPECT_THAT(parse(to_query(fields)), ElementsAre(Pair("a b", "c&d=e"), Pair("a b", ""), Pair("", "100%+")));
}

}  // namespace
}  // namespace web_test
