#include <gmock/gmock.h>
#include <forklift/web/json.hpp>

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
