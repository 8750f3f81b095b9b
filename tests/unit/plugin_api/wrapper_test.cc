// forklift/plugin.hpp, from the host's side of the boundary.
#include <gmock/gmock.h>
#include <pthread.h>

#include "fake_host.h"

namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

class Wrapper : public testing::Test {
 public:
  Wrapper() { EXPECT_EQ(plugin.create(host), FORKLIFT_OK); }

  int ask(const std::string& what) {
    const fake::Env env{{"QUERY_STRING", what}, {"VIEW", "abcd"}, {"EMPTY", ""}};
    return plugin.produce(env, body, out);
  }

  fake::Host host;
  fake::Plugin plugin{MISBEHAVING};
  fake::Body body{"0123456789ABCDEF"};
  fake::Out out;
};

int create_with(const fake::Host& host) {
  return fake::Plugin(MISBEHAVING).create(host);
}

TEST_F(Wrapper, DescribesThePlugin) {
  EXPECT_STREQ(plugin->name, "misbehaving");
  EXPECT_STREQ(plugin->plugin_version, "3.1");
  EXPECT_EQ(plugin->version.size, sizeof(forklift_plugin));
  EXPECT_EQ(plugin->version.major, FORKLIFT_API_MAJOR);
  EXPECT_EQ(plugin->version.minor, FORKLIFT_API_MINOR);
}

TEST_F(Wrapper, RunsTheDestructorWhileTheHostIsThere) {
  plugin.destroy();
  EXPECT_THAT(host.logged, ElementsAre(Pair(FORKLIFT_LOG_INFO, "destroyed")));
}

TEST(WrapperCreate, TurnsASettingErrorIntoARefusalWithItsPath) {
  const fake::Host host{{"create", "refuse"}};
  EXPECT_NE(create_with(host), FORKLIFT_OK);
  EXPECT_EQ(host.refused_setting, "mounts[0].at");
  EXPECT_EQ(host.refused_reason, "must begin with /");
}

TEST(WrapperCreate, TurnsEveryOtherExceptionIntoARefusalWithoutAPath) {
  for (const auto& [what, reason] :
       {std::pair("throw", "no such table: orders"), std::pair("int", "an exception that is not a std::exception"),
        std::pair("error", "opening the cache: a system call failed")}) {
    const fake::Host host{{"create", what}};
    EXPECT_NE(create_with(host), FORKLIFT_OK) << what;
    EXPECT_EQ(host.refused_setting, "(none)") << what;
    EXPECT_EQ(host.refused_reason, reason) << what;
  }
}

TEST_F(Wrapper, TurnsExceptionsIntoFailuresWithTheirReason) {
  for (const auto& [what, reason] :
       {std::pair("throw", "out of stock"), std::pair("int", "an exception that is not a std::exception"),
        std::pair("setting", "setting \"missing\": is required"),
        std::pair("code 0", "an odd error: an unknown failure")}) {
    EXPECT_NE(ask(what), FORKLIFT_OK) << what;
    EXPECT_EQ(out.failure, reason) << what;
  }
}

TEST_F(Wrapper, LeavesTheReasonAloneWhenNothingFails) {
  EXPECT_EQ(ask("nothing"), FORKLIFT_OK);
  EXPECT_EQ(out.failure, "");
}

TEST_F(Wrapper, ThrowsWhereTheHostReturnsAnError) {
  out.error = FORKLIFT_EGONE;
  for (const char* what : {"begin", "write", "flush", "send_file", "wait"}) {
    out.status = 0;
    out.failure.clear();
    EXPECT_EQ(ask(what), FORKLIFT_EGONE) << what;
    EXPECT_THAT(out.failure, HasSubstr("the client is gone")) << what;
  }
}

TEST_F(Wrapper, EndsTheRequestWhenTheBodyBreaksOff) {
  body.arriving = 0;
  EXPECT_EQ(ask("read"), FORKLIFT_ESHORT);
  EXPECT_EQ(out.failure, "reading the body: the body broke off before its end");
  body.error = FORKLIFT_ETIMEOUT;
  EXPECT_EQ(ask("read"), FORKLIFT_ETIMEOUT);
}

TEST_F(Wrapper, NamesACallInTheWrongOrder) {
  EXPECT_EQ(ask("begin twice"), FORKLIFT_EINVAL);
  EXPECT_EQ(out.failure, "beginning the response: a wrong argument, or a call in the wrong order");
}

TEST_F(Wrapper, TryFormsReturnWhatTheHostSays) {
  out.error = FORKLIFT_EGONE;  // -2, and 8 bytes of the body
  EXPECT_EQ(ask("try"), FORKLIFT_OK);
  EXPECT_EQ(out.failure, "78");
}

TEST_F(Wrapper, ReadsTheWholeBodyInPiecesUpToItsLimit) {
  EXPECT_NE(ask("read_all"), FORKLIFT_OK);
  EXPECT_EQ(out.failure, "the body has 16 bytes; the plugin takes at most 10");
  EXPECT_EQ(body.taken, 0U);

  fake::Body ten("0123456789");
  ten.piece = 3;
  EXPECT_EQ(plugin.produce(fake::Env{{"QUERY_STRING", "read_all"}}, ten, out), FORKLIFT_OK);
  EXPECT_EQ(out.text, "0123456789");
}

TEST_F(Wrapper, TerminatesHeadersOfAnyLength) {
  EXPECT_EQ(ask("headers"), FORKLIFT_OK);
  EXPECT_EQ(out.status, 404);
  EXPECT_THAT(out.headers, ElementsAre(Pair("X-Long", std::string(5000, 'x')), Pair("X-View", "bc")));
}

TEST_F(Wrapper, RefusesANulInAHeaderInsteadOfCuttingItOff) {
  EXPECT_EQ(ask("nul"), FORKLIFT_EINVAL);
  EXPECT_EQ(out.status, 0);
  EXPECT_THAT(out.failure, HasSubstr("NUL"));
}

TEST_F(Wrapper, TellsEmptyVariablesFromMissingOnes) {
  EXPECT_EQ(ask("env"), FORKLIFT_OK);
  EXPECT_EQ(out.text, "QUERY_STRING=env;VIEW=abcd;EMPTY=;3 none empty whole short");
}

TEST_F(Wrapper, GivesTimeoutsInMillisecondsWithinTheRangeOfAnInt) {
  EXPECT_EQ(ask("wait"), FORKLIFT_OK);
  EXPECT_EQ(ask("wait long"), FORKLIFT_OK);
  EXPECT_EQ(out.calls, "wait 2 0 -1;wait 1 0 2147483647;");
}

TEST_F(Wrapper, LogsLinesWholeEvenWithANulInThem) {
  EXPECT_EQ(ask("log"), FORKLIFT_OK);
  EXPECT_THAT(host.logged, ElementsAre(Pair(FORKLIFT_LOG_WARNING,
                                            "a\x1a"
                                            "b " +
                                                std::string(200, 'y'))));
}

TEST_F(Wrapper, TellsWhereThePluginRuns) {
  EXPECT_EQ(ask("host"), FORKLIFT_OK);
  EXPECT_EQ(out.text, "shop 7");
}

// A thread that swallows its cancellation is aborted by the C library: "FATAL: exception not rethrown".
TEST_F(Wrapper, LetsTheCancellationOfAThreadThrough) {
  pthread_t thread{};
  const auto run = [](void* self) -> void* {
    auto& test = *static_cast<Wrapper*>(self);
    test.ask("cancel");
    return nullptr;
  };
  ASSERT_EQ(pthread_create(&thread, nullptr, run, this), 0);
  void* result = nullptr;
  ASSERT_EQ(pthread_join(thread, &result), 0);
  EXPECT_EQ(result, PTHREAD_CANCELED);
  EXPECT_EQ(out.calls, "flush;");  // destructors have run
  EXPECT_EQ(out.failure, "");
}

}  // namespace
