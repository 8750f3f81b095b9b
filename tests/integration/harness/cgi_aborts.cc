#include "harness/cgi_aborts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <vector>

#include "harness/cgi_site.h"

namespace harness {

namespace {

struct Abort {
  const char* program;
  std::size_t body_bytes;  // sent
  std::size_t promised;    // Content-Length
  bool waits_for_page;
};

constexpr Abort kAborts[] = {
    {"silent", 0, 0, false},               // before anything
    {"endless", 0, 0, true},               // in the page
    {"deaf", 3'000'000, 3'000'000, true},  // with a body that waits in a file
    {"reads", 100, 1'000'000, false},      // in the body
    {"children", 0, 0, true},              // with processes in the background
    {"stubborn", 0, 0, true},              // which has to be killed
};

}  // namespace

void abort_programs(int count) {
  // What waits of a body is to leave nothing where others would look for it.
  const TempDir temporary;
  std::filesystem::permissions(temporary.path(), std::filesystem::perms(0777));
  CgiSite site("grace: 100ms\n", "workers: {min: 4, max: 4}\nenvironment: {TMPDIR: " + temporary.path() + "}\n");
  const std::string head = "printf 'Content-Type: text/plain\\n\\n'; echo first\n";
  site.add("silent", "exec sleep 1000");
  site.add("endless", head + "exec yes");
  site.add("deaf", head + "exec sleep 1000");
  site.add("reads", "cat >/dev/null; echo >../whole");
  site.add("children", "sleep 1000 & (sleep 1000 & sleep 1000) &\n" + head + "wait");
  site.add("stubborn", "trap '' TERM; sleep 1000 & (sleep 1000; sleep 1000) &\n" + head + "while :; do wait; done");
  site.server().start();

  for (int i = 0; i < count; ++i) {
    const Abort& how = kAborts[static_cast<std::size_t>(i) % std::size(kAborts)];
    // The other listeners: there, a close alone is an end on TCP, too.
    Connection connection = Connection::to(site.listener(2 + static_cast<std::size_t>(i / 7) % 2));
    auto request = ScgiRequest::post(std::string("/bin/") + how.program, std::string(how.body_bytes, 'b'));
    ASSERT_TRUE(connection.send(request.promise(how.promised).bytes(), seconds(60))) << i;
    if (how.waits_for_page) {
      ASSERT_NE(connection.receive_some(1000, seconds(60)), "") << i << how.program;
    }
    i % 2 == 0 ? connection.close() : connection.reset();
  }
  EXPECT_TRUE(site.has_no_programs(seconds(60)));
  EXPECT_FALSE(std::filesystem::exists(site.folder() / "whole"));
  EXPECT_TRUE(std::filesystem::is_empty(temporary.path()));
  EXPECT_TRUE(site.server().at_rest(seconds(60)));
}

}  // namespace harness
