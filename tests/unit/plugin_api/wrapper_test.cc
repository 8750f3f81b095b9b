// forklift/plugin.hpp, from the host's side of the boundary.
#include <gmock/gmock.h>
#include <pthread.h>

#include <forklift/testing.hpp>
#include <optional>
#include <string>

namespace {

using forklift::testing::Host;
using forklift::testing::LogLine;
using forklift::testing::Plugin;
using forklift::testing::Refused;
using forklift::testing::Request;
using forklift::testing::Response;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

class Wrapper : public testing::Test {
 public:
  static Request request(const std::string& what) {
    return Request::of({{"QUERY_STRING", what}, {"VIEW", "abcd"}, {"EMPTY", ""}}).body("0123456789ABCDEF");
  }
  Response ask(const std::string& what) { return plugin.produce(request(what)); }

  Plugin plugin = Plugin::load(MISBEHAVING, Host().app("shop").generation(7));
};

Refused refusal_of(const std::string& create) {
  return forklift::testing::refusal([&] { Plugin::load(MISBEHAVING, "create=" + create); });
}

TEST_F(Wrapper, DescribesThePlugin) {
  EXPECT_STREQ(plugin.descriptor().name, "misbehaving");
  EXPECT_STREQ(plugin.descriptor().plugin_version, "3.1");
  EXPECT_EQ(plugin.descriptor().version.size, sizeof(forklift_plugin));
  EXPECT_EQ(plugin.descriptor().version.major, FORKLIFT_API_MAJOR);
  EXPECT_EQ(plugin.descriptor().version.minor, FORKLIFT_API_MINOR);
}

TEST_F(Wrapper, RunsTheDestructorWhileTheHostIsThere) {
  plugin.destroy();
  EXPECT_THAT(plugin.log(), ElementsAre(LogLine{FORKLIFT_LOG_INFO, "destroyed"}));
}

TEST(WrapperCreate, TurnsASettingErrorIntoARefusalWithItsPath) {
  const Refused refused = refusal_of("refuse");
  EXPECT_EQ(refused.setting, "mounts[0].at");
  EXPECT_EQ(refused.reason, "must begin with /");
}

TEST(WrapperCreate, TurnsEveryOtherExceptionIntoARefusalWithoutAPath) {
  for (const auto& [what, reason] :
       {std::pair("throw", "no such table: orders"), std::pair("int", "an exception that is not a std::exception"),
        std::pair("error", "opening the cache: a system call failed")}) {
    const Refused refused = refusal_of(what);
    EXPECT_EQ(refused.setting, std::nullopt) << what;
    EXPECT_EQ(refused.reason, reason) << what;
  }
}

TEST_F(Wrapper, TurnsExceptionsIntoFailuresWithTheirReason) {
  for (const auto& [what, reason] :
       {std::pair("throw", "out of stock"), std::pair("int", "an exception that is not a std::exception"),
        std::pair("setting", "setting \"missing\": is required"),
        std::pair("code 0", "an odd error: an unknown failure")}) {
    const Response response = ask(what);
    EXPECT_EQ(response.status, 500) << what;
    EXPECT_EQ(response.failure, reason) << what;
    EXPECT_EQ(response.log.back().text, "? \"\" answered 500: " + std::string(reason)) << what;
  }
}

TEST_F(Wrapper, LeavesTheReasonAloneWhenNothingFails) {
  const Response response = ask("write nothing");
  EXPECT_EQ(response.result, FORKLIFT_OK);
  EXPECT_EQ(response.reason, "");
}

TEST_F(Wrapper, ThrowsWhereTheHostReturnsAnError) {
  for (const char* what : {"begin", "write", "flush", "send_file"}) {
    const Response response = plugin.produce(request(what).response_fails_with(FORKLIFT_EGONE));
    EXPECT_EQ(response.result, FORKLIFT_EGONE) << what;
    EXPECT_THAT(response.reason, HasSubstr("the client is gone")) << what;
  }
  const Response response = plugin.produce(request("wait for the body").body_stalls_after(0));
  EXPECT_EQ(response.result, FORKLIFT_ETIMEOUT);
  EXPECT_EQ(response.reason, "waiting for the client: the client made no progress in time");
}

TEST_F(Wrapper, EndsTheRequestWhenTheBodyBreaksOff) {
  const Response broken = plugin.produce(request("read").body_breaks_off_after(0));
  EXPECT_EQ(broken.result, FORKLIFT_ESHORT);
  EXPECT_EQ(broken.reason, "reading the body: the body broke off before its end");
  EXPECT_EQ(plugin.produce(request("read").body_stalls_after(0)).result, FORKLIFT_ETIMEOUT);
}

TEST_F(Wrapper, NamesACallInTheWrongOrder) {
  const Response response = ask("begin twice");
  EXPECT_EQ(response.result, FORKLIFT_EINVAL);
  EXPECT_EQ(response.reason, "beginning the response: a wrong argument, or a call in the wrong order");
  EXPECT_EQ(response.failure, "begin was called twice, or after the header block");
}

TEST_F(Wrapper, TryFormsReturnWhatTheHostSays) {
  const auto ask_in_vain = [&](const char* what) {
    return plugin.produce(request(what).response_fails_with(FORKLIFT_EGONE)).reason;
  };
  EXPECT_EQ(ask_in_vain("try"), "78") << "-2, and 8 bytes of the body";
  EXPECT_EQ(ask_in_vain("try flush"), "-2");
}

TEST_F(Wrapper, ReadsTheWholeBodyInPiecesUpToItsLimit) {
  const Response response = ask("read_all");
  EXPECT_EQ(response.failure, "the body has 16 bytes; the plugin takes at most 10");
  EXPECT_EQ(response.body_read, 0U);
  EXPECT_EQ(plugin.produce(request("read_all").body("0123456789").body_in_pieces_of(3)).body, "0123456789");
}

TEST_F(Wrapper, TerminatesHeadersOfAnyLength) {
  const Response response = ask("headers");
  EXPECT_TRUE(response.ok()) << response.failure;
  EXPECT_EQ(response.status, 404);
  EXPECT_THAT(response.headers,
              ElementsAre(Pair("X-Long", std::string(5000, 'x')), Pair("X-View", "bc"), Pair("Content-Length", "0")));
}

TEST_F(Wrapper, RefusesANulInAHeaderInsteadOfCuttingItOff) {
  const Response response = ask("nul");
  EXPECT_EQ(response.result, FORKLIFT_EINVAL);
  EXPECT_THAT(response.calls, ElementsAre());
  EXPECT_THAT(response.reason, HasSubstr("NUL"));
}

TEST_F(Wrapper, TellsEmptyVariablesFromMissingOnes) {
  EXPECT_EQ(ask("env").body, "QUERY_STRING=env;VIEW=abcd;EMPTY=;3 none empty whole short");
}

TEST_F(Wrapper, GivesTimeoutsInMillisecondsWithinTheRangeOfAnInt) {
  EXPECT_THAT(ask("wait").calls, ElementsAre("wait 2 0 -1"));
  EXPECT_THAT(ask("wait long").calls, ElementsAre("wait 1 0 2147483647"));
}

TEST_F(Wrapper, LogsLinesWholeEvenWithANulInThem) {
  EXPECT_EQ(ask("log").log.front(), (LogLine{FORKLIFT_LOG_WARNING, "a\\x1ab " + std::string(200, 'y')}));
}

TEST_F(Wrapper, TellsWhereThePluginRuns) {
  EXPECT_EQ(ask("host").body, "shop 7");
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
  EXPECT_THAT(plugin.log(), ElementsAre(LogLine{FORKLIFT_LOG_INFO, "unwound"})) << "destructors have run";
}

}  // namespace
