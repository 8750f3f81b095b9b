// The plugins that come with Forklift, each opened and called without the server.
#include <gmock/gmock.h>
#include <sys/resource.h>

#include "fake_host.h"

namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

std::string plugin_path(const std::string& name) {
  return PLUGINS "/" + name + ".so";
}

// One request to a fresh instance.
fake::Out answer(const std::string& name, const fake::Env& env = fake::Env(), fake::Body body = fake::Body(""),
                 fake::Settings::Entries settings = {}) {
  const fake::Host host(std::move(settings));
  fake::Plugin plugin(plugin_path(name));
  EXPECT_STREQ(plugin->name, name.c_str());
  EXPECT_EQ(plugin.create(host), FORKLIFT_OK) << host.refused_setting << ": " << host.refused_reason;
  fake::Out out;
  EXPECT_EQ(plugin.produce(env, body, out), FORKLIFT_OK) << out.failure;
  return out;
}

TEST(Hello, WritesACgiPage) {
  EXPECT_EQ(answer("hello").text, "Content-Type: text/plain\n\nHello, world\n");
}

TEST(HelloCc, GreetsAsItsSettingsSay) {
  EXPECT_EQ(answer("hello_cc").text, "Hello, world\n");
  const fake::Out out = answer("hello_cc", fake::Env(), fake::Body(""), {{"greeting", "Salut"}});
  EXPECT_EQ(out.text, "Salut, world\n");
  EXPECT_EQ(out.status, 200);
  EXPECT_THAT(out.headers, ElementsAre(Pair("Content-Type", "text/plain; charset=utf-8")));
}

TEST(HelloCc, RefusesASettingWithATypingError) {
  const fake::Host host{{"greting", "Salut"}};
  EXPECT_NE(fake::Plugin(plugin_path("hello_cc")).create(host), FORKLIFT_OK);
  EXPECT_EQ(host.refused_setting, "greting");
  EXPECT_THAT(host.refused_reason, HasSubstr("it has greeting"));
}

TEST(WordCount, CountsAsWcDoes) {
  const fake::Env post{{"REQUEST_METHOD", "POST"}};
  EXPECT_EQ(answer("wordcount", post, fake::Body("two  words\nand three more\n")).text,
            "Content-Type: text/plain\n\n2 5 26\n");
  EXPECT_EQ(answer("wordcount", post).text, "Content-Type: text/plain\n\n0 0 0\n");
  EXPECT_THAT(answer("wordcount", fake::Env{{"REQUEST_METHOD", "GET"}}).text, HasSubstr("Status: 405"));
}

fake::Env some_variables() {
  return fake::Env({{"SCGI", "1"}, {"CONTENT_LENGTH", "3"}, {"HTTP_HOST", ""}});
}

TEST(EnvPlugin, ListsVariablesByName) {
  const fake::Out out = answer("env", some_variables(), fake::Body("abc"));
  EXPECT_EQ(out.status, 200);
  EXPECT_EQ(out.header("Content-Type"), "text/plain; charset=utf-8");
  EXPECT_EQ(out.text, "CONTENT_LENGTH: 3\nHTTP_HOST: \nSCGI: 1\n\n3 bytes of body\n");
}

TEST(EnvPlugin, ListsVariablesInTheOrderOfArrivalIfAsked) {
  EXPECT_EQ(answer("env", some_variables(), fake::Body("abc"), {{"order", "arrival"}}).text,
            "SCGI: 1\nCONTENT_LENGTH: 3\nHTTP_HOST: \n\n3 bytes of body\n");
}

TEST(EnvPlugin, KeepsEachVariableOnItsLine) {
  const std::string value("a\nb\\\x1b[2J\x7f\0\xc3\xa9", 12);
  EXPECT_EQ(answer("env", fake::Env{{"V", value}}).text,
            "V: a\\x0ab\\x5c\\x1b[2J\\x7f\\x00\xc3\xa9\n\n0 bytes of body\n");
}

TEST(EnvPlugin, AnswersARequestWithoutVariables) {
  EXPECT_EQ(answer("env").text, "\n0 bytes of body\n");
}

TEST(EnvPlugin, RefusesAnOrderThatItDoesNotKnow) {
  for (const fake::Settings::Entries& settings :
       {fake::Settings::Entries{{"order", "random"}}, fake::Settings::Entries{{"order[0]", "sorted"}}}) {
    const fake::Host host(settings);
    EXPECT_NE(fake::Plugin(plugin_path("env")).create(host), FORKLIFT_OK);
    EXPECT_EQ(host.refused_setting, "order");
    EXPECT_EQ(host.refused_reason, "must be sorted or arrival");
  }
}

TEST(EnvPlugin, PassesOnWhatTheHostReturns) {
  fake::Plugin plugin(plugin_path("env"));
  ASSERT_EQ(plugin.create(fake::Host()), FORKLIFT_OK);
  const fake::Env env = some_variables();
  fake::Body body("");
  fake::Out out;
  out.error = FORKLIFT_EGONE;
  EXPECT_EQ(plugin.produce(env, body, out), FORKLIFT_EGONE);
}

fake::Env query(const std::string& text) {
  return {{"QUERY_STRING", text}, {"CONTENT_TYPE", "image/png"}};
}

// Every byte value, in a period that no power of two divides.
std::string pattern() {
  std::string all;
  for (int i = 0; i < 257; ++i) all.push_back(static_cast<char>(i));
  return all;
}

TEST(Echo, GivesBackBytesAndTypeOfTheBody) {
  for (const char* how : {"", "stream"}) {
    for (const std::size_t size : {0, 1, 65535, 65536, 65537, 1000000}) {
      fake::Body body(size, pattern());
      body.piece = 40001;
      const fake::Out out = answer("echo", query(how), body);
      EXPECT_EQ(out.status, 200);
      EXPECT_EQ(out.header("Content-Type"), "image/png");
      EXPECT_EQ(out.header("Content-Length"), std::to_string(size));
      std::string expected;
      while (expected.size() < size) expected += pattern();
      expected.resize(size);
      EXPECT_TRUE(out.text == expected) << how << " " << size;
    }
  }
}

TEST(Echo, CallsABodyWithoutATypeBytes) {
  EXPECT_EQ(answer("echo").header("Content-Type"), "application/octet-stream");
}

TEST(Echo, HashesWithTheTestVectorsOfFips180) {
  EXPECT_EQ(answer("echo", query("sha256")).text, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n");
  EXPECT_EQ(answer("echo", query("sha256"), fake::Body("abc")).text,
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\n");
  EXPECT_EQ(answer("echo", query("sha256"), fake::Body(1000000, "a")).text,
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0\n");
}

// A body that breaks off must not be answered as if it were whole, in none of the ways.
TEST(Echo, FailsWhenTheBodyBreaksOff) {
  for (const char* how : {"", "stream", "sha256"}) {
    for (const std::uint64_t size : {100U, 100000U}) {
      fake::Plugin plugin(plugin_path("echo"));
      ASSERT_EQ(plugin.create(fake::Host()), FORKLIFT_OK);
      const fake::Env env = query(how);
      fake::Body body(size, "x");
      body.arriving = size - 1;
      fake::Out out;
      EXPECT_EQ(plugin.produce(env, body, out), FORKLIFT_ESHORT) << how << " " << size;
      EXPECT_THAT(out.failure, HasSubstr("broke off")) << how << " " << size;
    }
  }
}

long peak_kilobytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

// 100 MB in memory would show: the bound is a sixth of it, and leaves room for what a sanitizer adds.
TEST(Echo, TakesConstantMemoryWhateverTheSize) {
  constexpr std::uint64_t kSize = 100'000'000;
  for (const char* how : {"", "stream", "sha256"}) {
    fake::Plugin plugin(plugin_path("echo"));
    ASSERT_EQ(plugin.create(fake::Host()), FORKLIFT_OK);
    const fake::Env env = query(how);
    fake::Body body(kSize, std::string(4096, 'x'));
    fake::Out out;
    std::uint64_t written = 0;
    out.sink = [&written](std::string_view bytes) { written += bytes.size(); };
    const long before = peak_kilobytes();
    EXPECT_EQ(plugin.produce(env, body, out), FORKLIFT_OK) << out.failure;
    EXPECT_LT(peak_kilobytes() - before, 16 * 1024) << how;
    EXPECT_EQ(written, std::string_view(how) == "sha256" ? 65 : kSize) << how;
  }
}

}  // namespace
