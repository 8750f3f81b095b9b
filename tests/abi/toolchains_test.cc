// Plugins of other toolchains, and of other habits, than the server's, in the real server.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "harness/scgi_request.h"
#include "harness/server.h"

namespace harness {
namespace {

using testing::HasSubstr;

App app_of(const std::string& name, const std::string& more = {}) {
  return {.name = "app",
          .plugin = fmt::format("{}/toolchains/{}.so", ABI_DIR, name),
          .more = "workers: {min: 1, max: 1}\n" + more};
}

std::string ask(const Server& server, const std::string& uri) {
  const Response response = fetch(server.listener("app"), ScgiRequest::get(uri));
  return response.complete(200) ? response.body : testing::PrintToString(response);
}

// Both libraries have an exception of each name, both compilers' code throws through frames that the other has never
// seen.
TEST(Toolchains, ClangAndLibcxxRunInAServerOfGccAndLibstdcxx) {
  Server server({app_of("of_libcxx", "settings: {b: short, long: a text that no small string buffer has room for}\n")});
  server.expect_error("GET \"/throw\" answered 500: thrown by libc++, a text that no small string buffer has room for");
  server.expect_error("GET \"/int\" answered 500: an exception that is not a std::exception");
  server.expect_error("POST \"/error\" answered 500: the body has 5 bytes; the plugin takes at most 1");
  server.start();
  const std::string page = "no number; no setting; b=short;long=a text that no small string buffer has room for;";
  EXPECT_EQ(ask(server, "/"), page);
  EXPECT_TRUE(fetch(server.listener("app"), ScgiRequest::get("/throw")).complete(500));
  EXPECT_TRUE(fetch(server.listener("app"), ScgiRequest::get("/int")).complete(500));
  EXPECT_TRUE(fetch(server.listener("app"), ScgiRequest::post("/error", "bytes")).complete(500));
  EXPECT_EQ(ask(server, "/"), page) << "by the same worker, which has survived all of this";
  EXPECT_EQ(server.stop(), ExitStatus::exited(0));
}

TEST(Toolchains, ASettingThatLibcxxRefusesIsToldWithItsPlace) {
  Server server({app_of("of_libcxx", "settings: {refuse: a reason that is longer than small strings are}\n")});
  server.expect_error("server.yaml:*: setting \"refuse\": as it says: a reason that is longer than small strings are");
  server.expect_error("app \"app\": degraded: ");
  server.expect_error("could not start: ");
  server.launch();
  EXPECT_EQ(server.wait(), ExitStatus::exited(1)) << server.log();
}

// Threads that the plugin has started end with it: when its worker drains after a reload, and when the server stops.
TEST(Toolchains, ThreadsAndTheirObjectsEndWhenAWorkerDoes) {
  Server server({app_of("lives_fully")});
  server.expect_error("GET \"/four\" answered 500: no number is called four");
  server.start();
  EXPECT_EQ(ask(server, "/one"), "7");
  EXPECT_EQ(ask(server, "/three"), "21");
  EXPECT_TRUE(fetch(server.listener("app"), ScgiRequest::get("/four")).complete(500));
  EXPECT_EQ(ask(server, "/two"), "14") << "the thread that has thrown goes on";

  const auto told = [&](const std::string& text) {
    std::size_t count = 0;
    const std::string log = server.log();
    for (auto at = log.find(text); at != log.npos; at = log.find(text, at + 1)) ++count;
    return count;
  };
  EXPECT_EQ(told("all threads have been joined"), 0u);
  server.configure({app_of("lives_fully", "timeouts: {drain: 1m}\n")});
  EXPECT_EQ(server.reload(), "1 app reloaded, 0 added, 0 removed, 0 failed");
  EXPECT_TRUE(eventually([&] { return told("all threads have been joined") == 1; })) << "the old worker drains";
  EXPECT_EQ(ask(server, "/one"), "7");
  server.remember_rest();
  EXPECT_EQ(server.stop(), ExitStatus::exited(0));
  EXPECT_EQ(told("all threads have been joined"), 2u) << server.log();
  EXPECT_GE(told("entries is closed"), 2u) << "in each of the two workers a thread has had something to do";
}

// The server's libraries have zlib in the process, and its names come first: unless the plugin is linked as
// forklift_add_plugin() does it.
TEST(Toolchains, ABundledLibraryStaysThePlugins) {
  Server kept({app_of("bundles_zlib")});
  kept.start();
  EXPECT_EQ(ask(kept, "/"), "zlib of the plugin's own, deflate 42; the process has one");

  Server lost({app_of("bundles_zlib_in_vain")});
  lost.start();
  EXPECT_THAT(ask(lost, "/"), HasSubstr("deflate -2; the process has one")) << "the other test would show nothing";
}

}  // namespace
}  // namespace harness
