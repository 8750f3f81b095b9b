#include <gmock/gmock.h>
#include <forklift/web/json.hpp>

#include <cmath>
#include <cstdint>
#include <limits>
#include <stdexcept>

#include "request.h"

namespace web_test {
namespace {

using namespace forklift::web;
using testing::HasSubstr;

constexpr const char* kMalformed = "400 the body is not JSON that this page takes";

std::string parsed(const std::string& text, const JsonLimits& limits = {}) {
  std::string again;
  const std::string refusal = refusal_of([&] { again = to_json(parse_json(text, limits)); });
  return refusal == "fine" ? again : refusal;
}

Poco::Dynamic::Var read(const std::string& type, const std::string& text, const JsonLimits& limits = {}) {
  const Variables variables{{"CONTENT_TYPE", type}};
  Arriving arriving(text);
  forklift::Body body(&arriving);
  return read_json(forklift::Env(&variables), body, limits);
}

TEST(WebJson, IsReadFromABody) {
  for (const char* type : {"application/json", "Application/JSON; charset=utf-8", "application/problem+json"}) {
    EXPECT_EQ(require_object(read(type, R"({"a":[1,"x",null]})"))->getArray("a")->size(), 3u) << type;
  }
}

TEST(WebJson, OfOtherTypesIsRefused) {
  for (const char* type : {"", "text/plain", "application/x-www-form-urlencoded", "+json", "application/jsonp"}) {
    EXPECT_EQ(refusal_of([&] { read(type, "{}"); }), "415 the body is not JSON") << type;
  }
}

TEST(WebJson, HasLimits) {
  EXPECT_EQ(parsed("[[1]]", {5, 2}), "[[1]]");
  EXPECT_EQ(parsed("[[1]] ", {5, 2}), "413 the JSON is longer than this page takes");
  EXPECT_EQ(refusal_of([] {
              read("application/json", "[[1]] ", {5, 2});
            }),
            "413 the JSON is longer than this page takes");
  EXPECT_EQ(parsed("[[1]]", {5, 1}), kMalformed);
  EXPECT_EQ(parsed(R"({"a":{"b":{}}})", {100, 2}), kMalformed);
  EXPECT_EQ(parsed(std::string(100'000, '[')), kMalformed);
}

TEST(WebJson, ThatIsMalformedIsRefusedWithoutItsBytes) {
  const std::string nul("[1]\0", 4);
  for (const std::string& text : {std::string(),
                                  std::string(" "),
                                  std::string("x"),
                                  std::string("1"),
                                  std::string("\"text\""),
                                  std::string("null"),
                                  std::string("[1"),
                                  std::string("[1,]"),
                                  std::string("{\"a\"}"),
                                  std::string("{a:1}"),
                                  std::string("{} {}"),
                                  std::string("[01]"),
                                  std::string("[NaN]"),
                                  std::string("[1e999]"),
                                  std::string("['a']"),
                                  std::string("[\"\t\"]"),
                                  std::string("[\"\\x\"]"),
                                  std::string("[\"\\ud800\"]"),
                                  std::string("[\"\xff\"]"),
                                  std::string("\xef\xbb\xbf[1]"),
                                  std::string("[1] // x"),
                                  std::string("[99999999999999999999999]"),
                                  nul}) {
    EXPECT_EQ(parsed(text), kMalformed) << text;
  }
}

// Poco 1.11 alone takes 2^64 for 0, and -9007199254740993 (2^53 + 1) for another number.
TEST(WebJson, NumbersThat64BitsDoNotHoldAreRefused) {
  for (const char* good :
       {"9223372036854775807", "9223372036854775808", "18446744073709551615", "-9223372036854775808",
        "-9223372036854775807", "-9007199254740993", "-12642436915822131", "0", "-1", "18446744073709551609"}) {
    for (const std::string& text : {std::string("[") + good + "]", std::string("{\"a\":[0,") + good + "]}"}) {
      EXPECT_EQ(parsed(text), text);
    }
  }
  for (const char* bad :
       {"18446744073709551616", "18446744073709551617", "18446744073709551620", "184467440737095516150",
        "184467440737095516160", "-9223372036854775809", "-18446744073709551616", "-18446744073709551617",
        "-184467440737095516160", "340282366920938463463374607431768211456"}) {
    EXPECT_EQ(parsed(std::string("[") + bad + "]"), kMalformed) << bad;
    EXPECT_EQ(parsed(std::string("{\"a\":[0, ") + bad + " ]}"), kMalformed) << bad;
    EXPECT_EQ(parsed(std::string("{\"a\\\"b\\\\\":") + bad + "}"), kMalformed) << bad;
    // In a text and in a name they are digits.
    const std::string text = std::string("{\"") + bad + "\":[\"\\\"" + bad + "\",\"" + bad + "\\\\\"]}";
    EXPECT_EQ(parsed(text), text);
    // With a point or an exponent they are something else.
    EXPECT_NE(parsed(std::string("[") + bad + ".0]"), kMalformed) << bad;
    EXPECT_NE(parsed(std::string("[") + bad + "e1]"), kMalformed) << bad;
  }
}

TEST(WebJson, NumbersAreThemselvesWhereverTheyStand) {
  const std::string text =
      R"({"-1":[1,-2,{"3":"4\"5","6":7.5},[],"8",[-9007199254740993],1e2,9223372036854775808],"a\\":-0,"b":true,"c":10})";
  EXPECT_EQ(
      parsed(text),
      R"({"-1":[1,-2,{"3":"4\"5","6":7.5},[],"8",[-9007199254740993],100,9223372036854775808],"a\\":0,"b":true,"c":10})");
}

TEST(WebJson, CutAtEveryByteIsRefused) {
  const std::string whole = R"({"a":[1.5,true,"\u00e9\n",{"b":null}],"c":-7})";
  EXPECT_THAT(parsed(whole), HasSubstr("-7"));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_EQ(parsed(whole.substr(0, size)), kMalformed) << whole.substr(0, size);
  }
}

TEST(WebJson, ThatIsNoObjectIsRefusedWhereOneIsRequired) {
  EXPECT_EQ(refusal_of([] { require_object(parse_json("[1]")); }), "400 the JSON is not an object");
}

TEST(WebJson, MembersThatAreRequiredAreThereAndOfTheirKind) {
  const auto object = require_object(parse_json(
      R"({"text":"42","yes":true,"one":1,"minus":-1,"half":0.5,"large":18446744073709551615,"null":null,"list":[1]})"));
  EXPECT_EQ(require_member<std::string>(object, "text"), "42");
  EXPECT_EQ(require_member<bool>(object, "yes"), true);
  EXPECT_EQ(require_member<int>(object, "minus"), -1);
  EXPECT_EQ(require_member<std::uint64_t>(object, "large"), 18446744073709551615U);
  EXPECT_EQ(require_member<double>(object, "half"), 0.5);
  EXPECT_EQ(require_member<double>(object, "one"), 1);
  const auto outcome = [&](auto kind, const std::string& name) {
    return refusal_of([&] { require_member<decltype(kind)>(object, name); });
  };
  for (const char* name : {"none", "null", "list"}) {
    const std::string expected = std::string("400 the JSON has no \"") + name + "\" that this page takes";
    EXPECT_EQ(outcome(std::string(), name), expected);
    EXPECT_EQ(outcome(true, name), expected);
    EXPECT_EQ(outcome(1, name), expected);
    EXPECT_EQ(outcome(1.0, name), expected);
  }
  EXPECT_NE(outcome(1, "text"), "fine");
  EXPECT_NE(outcome(1, "yes"), "fine");
  EXPECT_NE(outcome(1, "half"), "fine");
  EXPECT_NE(outcome(1, "large"), "fine");
  EXPECT_NE(outcome(1U, "minus"), "fine");
  EXPECT_NE(outcome(1.0, "yes"), "fine");
  EXPECT_NE(outcome(true, "one"), "fine");
  EXPECT_NE(outcome(std::string(), "one"), "fine");
}

// RFC 8259, 8.1 and 6.
TEST(WebJson, IsUtf8WhateverTheClientHasSent) {
  Poco::JSON::Object object;
  object.set("\xff", "a\xc3\xa9\xf0\x9f\x98\x80\xc3<\xed\xa0\x80\"\\");
  EXPECT_EQ(to_json(object),
            "{\"\xef\xbf\xbd\":\"a\xc3\xa9\xf0\x9f\x98\x80\xef\xbf\xbd\\u003c"
            "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\\\"\\\\\"}");
  EXPECT_NO_THROW(parse_json(to_json(object)));
}

TEST(WebJson, HasNoNumbersThatAreNotFinite) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  for (const double bad : {std::nan(""), -std::nan(""), kInfinity, -kInfinity}) {
    Poco::JSON::Array inner;
    inner.add(1);
    inner.add(bad);
    Poco::JSON::Object object;
    object.set("a\"", inner);
    EXPECT_THROW(to_json(object), std::invalid_argument) << bad;
    inner.set(1, static_cast<float>(bad));
    EXPECT_THROW(to_json(inner), std::invalid_argument) << bad;
    Answer answer;
    forklift::Out out(&answer);
    EXPECT_THROW(respond_json(out, 200, inner), std::invalid_argument);
    EXPECT_EQ(answer.status, 0) << "nothing has begun";
  }
  Poco::JSON::Object object;
  object.set("nan", "inf");
  object.set("x", "\"nan");
  object.set("y", 1e300);
  object.set("z", true);
  object.set("null", Poco::Dynamic::Var());
  EXPECT_NO_THROW(parse_json(to_json(object)));
}

TEST(WebJson, IsWrittenSoThatItCanStandInAScript) {
  Poco::JSON::Object object;
  object.set("a", "</script><!--");
  object.set("b", 42);
  EXPECT_EQ(to_json(object), R"({"a":"\u003c/script>\u003c!--","b":42})");
  EXPECT_EQ(parse_json(to_json(object)).extract<Poco::JSON::Object::Ptr>()->getValue<std::string>("a"),
            "</script><!--");
}

TEST(WebJson, IsAnAnswer) {
  Answer answer;
  forklift::Out out(&answer);
  Poco::JSON::Array list;
  list.add(1);
  list.add("x");
  respond_json(out, 201, list);
  EXPECT_EQ(answer.status, 201);
  EXPECT_EQ(answer.header("Content-Type"), "application/json");
  EXPECT_EQ(answer.body, R"([1,"x"])");
}

}  // namespace
}  // namespace web_test
