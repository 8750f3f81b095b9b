// plugins/hello: the smallest plugin there is.
#include <gmock/gmock.h>

#include <forklift/testing.hpp>

namespace {

using namespace forklift::testing;
using ::testing::ElementsAre;
using ::testing::Pair;

constexpr char kHello[] = PLUGINS "/hello.so";

TEST(Hello, WritesACgiPage) {
  Plugin hello = Plugin::load(kHello);
  EXPECT_STREQ(hello.descriptor().name, "hello");
  const Response page = hello.produce();
  EXPECT_TRUE(page.ok()) << page.failure;
  EXPECT_EQ(page.status, 200);
  EXPECT_THAT(page.headers, ElementsAre(Pair("Content-Type", "text/plain"), Pair("Content-Length", "13")));
  EXPECT_EQ(page.body, "Hello, world\n");
}

TEST(Hello, AnswersHeadWithTheLengthOfThePage) {
  const Response page = Plugin::load(kHello).produce(Request("HEAD", "/"));
  EXPECT_TRUE(page.ok()) << page.failure;
  EXPECT_EQ(page.header("Content-Length"), "13");
  EXPECT_EQ(page.body, "");
}

}  // namespace
