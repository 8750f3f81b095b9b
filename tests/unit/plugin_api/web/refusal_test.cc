#include <gmock/gmock.h>
#include <forklift/web/refusal.hpp>

#include <functional>
#include <stdexcept>

#include "request.h"

namespace web_test {
namespace {

using namespace forklift::web;
using testing::HasSubstr;

class Scripted : public WebPlugin {
 public:
  std::function<void(forklift::Out&)> script;

  void serve(const forklift::Env&, forklift::Body&, forklift::Out& out) override { script(out); }
};

class WebPluginTest : public testing::Test {
 public:
  void serve(const std::function<void(forklift::Out&)>& script) {
    Scripted plugin;
    plugin.script = script;
    const Variables variables{};
    Arriving arriving("");
    const forklift::Env env(&variables);
    forklift::Body body(&arriving);
    forklift::Out out(&answer);
    plugin.produce(env, body, out);
  }

  Answer answer;
};

TEST_F(WebPluginTest, AnswersWithTheRefusal) {
  serve([](forklift::Out&) { throw Refusal(405, "not that way", {{"Allow", "GET"}, {"X-A", "b"}}); });
  EXPECT_EQ(answer.status, 405);
  EXPECT_EQ(answer.header("Allow"), "GET");
  EXPECT_EQ(answer.header("X-A"), "b");
  EXPECT_EQ(answer.header("Content-Type"), "text/plain; charset=utf-8");
  EXPECT_EQ(answer.header("X-Content-Type-Options"), "nosniff");
  EXPECT_EQ(answer.body, "not that way\n");
}

TEST_F(WebPluginTest, LeavesOtherExceptionsAndWholeAnswersAlone) {
  EXPECT_THROW(serve([](forklift::Out&) { throw std::runtime_error("out of stock"); }), std::runtime_error);
  EXPECT_EQ(answer.status, 0);
  serve([](forklift::Out& out) { out.begin(204); });
  EXPECT_EQ(answer.status, 204);
}

TEST_F(WebPluginTest, FailsWithTheReasonWhereTheAnswerHasBegun) {
  try {
    serve([](forklift::Out& out) {
      out.begin(200);
      throw Refusal(400, "too late");
    });
    FAIL() << "nothing was thrown";
  } catch (const forklift::Error& error) {
    EXPECT_EQ(error.code(), FORKLIFT_EINVAL);
    EXPECT_THAT(error.what(), HasSubstr("answering 400, too late: "));
  }
  EXPECT_EQ(answer.body, "");
}

std::string allowed(const std::string& method, const std::string& methods = "GET, HEAD,POST") {
  const Variables variables{{"REQUEST_METHOD", method}};
  return std::string(allow(forklift::Env(&variables), methods));
}

std::string header_allow(const std::string& methods) {
  try {
    return allowed("PUT", methods);
  } catch (const Refusal& refusal) {
    EXPECT_EQ(refusal.headers().size(), 1u);
    return refusal.headers().at(0).first + ": " + refusal.headers().at(0).second;
  }
}

TEST(WebAllow, TakesTheMethodsThatAreNamed) {
  for (const char* method : {"GET", "HEAD", "POST"}) EXPECT_EQ(allowed(method), method);
  for (const char* method : {"PUT", "get", "", "GET, HEAD", "GE"}) {
    EXPECT_EQ(refusal_of([&] { allowed(method); }), "405 this page does not take that method") << method;
  }
  EXPECT_EQ(header_allow("GET, HEAD,POST"), "Allow: GET, HEAD,POST");
}

// curl -I, and whoever watches a page.
TEST(WebAllow, TakesHeadWhereGetIsTaken) {
  EXPECT_EQ(allowed("HEAD", "GET, POST"), "GET") << "one of those that the author knows of";
  EXPECT_EQ(allowed("HEAD", "GET"), "GET");
  EXPECT_EQ(header_allow("GET, POST"), "Allow: GET, POST, HEAD");
  EXPECT_EQ(header_allow("POST"), "Allow: POST");
  EXPECT_EQ(refusal_of([] { allowed("HEAD", "POST"); }), "405 this page does not take that method");
}

TEST(WebBody, IsReadUpToALimit) {
  for (const auto& [limit, outcome] :
       {std::pair(10, "fine"), std::pair(9, "413 the body is longer than this page takes")}) {
    Arriving arriving("0123456789");
    arriving.piece = 3;
    forklift::Body body(&arriving);
    std::string all;
    EXPECT_EQ(refusal_of([&] { all = read_body(body, static_cast<std::uint64_t>(limit)); }), outcome);
    EXPECT_EQ(all, limit == 10 ? "0123456789" : "");
  }
}

}  // namespace
}  // namespace web_test
