// plugins/hello_cc: the smallest plugin in C++, with a setting.
#include <gmock/gmock.h>

#include <forklift/testing.hpp>

namespace {

using namespace forklift::testing;
using ::testing::HasSubstr;

constexpr char kHelloCc[] = PLUGINS "/hello_cc.so";

TEST(HelloCc, GreetsAsItsSettingsSay) {
  EXPECT_EQ(Plugin::load(kHelloCc).produce().body, "Hello, world\n");
  const Response page = Plugin::load(kHelloCc, "greeting=Salut").produce();
  EXPECT_TRUE(page.ok()) << page.failure;
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(page.header("Content-Type"), "text/plain; charset=utf-8");
  EXPECT_EQ(page.body, "Salut, world\n");
}

TEST(HelloCc, HasAGreetingAnInstance) {
  Plugin french = Plugin::load(kHelloCc, "greeting=Salut");
  Plugin italian = Plugin::load(kHelloCc, "greeting=Ciao");
  EXPECT_EQ(french.produce().body, "Salut, world\n");
  EXPECT_EQ(italian.produce().body, "Ciao, world\n");
}

TEST(HelloCc, RefusesASettingWithATypingError) {
  const Refused refused = refusal([] { Plugin::load(kHelloCc, "greting=Salut"); });
  EXPECT_EQ(refused.setting, "greting");
  EXPECT_THAT(refused.reason, HasSubstr("it has greeting"));
}

}  // namespace
