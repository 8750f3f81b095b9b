// The log goes to a terminal that nobody reads: Ctrl-S, a sleeping pager, a closed laptop. Requests are answered all
// the same.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

#include "harness/scgi_request.h"
#include "harness/serve.h"
#include "harness/server.h"

namespace harness {
namespace {

using testing::HasSubstr;

class LogTerminal : public testing::Test {
 protected:
  LogTerminal() {
    reader_.reset(posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
    if (!reader_ || grantpt(reader_.get()) != 0 || unlockpt(reader_.get()) != 0)
      throw std::runtime_error("no terminal");
    terminal_ = ptsname(reader_.get());
    files_.write_config();
  }

  Response ask(const ScgiRequest& request) const {
    return fetch(Endpoint::parse("unix:" + (files_.folder() / "hello.sock")), request);
  }
  // Whether the terminal shows `text`; what it shows is taken from it, up to `max_bytes` of it.
  bool shows(std::string_view text, std::size_t max_bytes = std::string::npos) {
    char buffer[4096];
    for (ssize_t n = 0; max_bytes > 0 && (n = read(reader_.get(), buffer, std::min(max_bytes, sizeof buffer))) > 0;) {
      seen_.append(buffer, static_cast<std::size_t>(n));
      max_bytes -= static_cast<std::size_t>(n);
    }
    return seen_.find(text) != seen_.npos;
  }

  UniqueFd reader_;
  std::string terminal_;
  std::string seen_;
  Server files_{{App{.name = "hello", .plugin = plugin_file("hello"), .listen = {"unix:hello.sock"}}}};
};

TEST_F(LogTerminal, ThatNobodyReadsCostsNoAnswer) {
  Serve serve({.file = files_.config_file(), .output = terminal_});
  ASSERT_TRUE(eventually([&] { return shows(" READY: "); }, seconds(20)));
  const ScgiRequest refused = ScgiRequest::get("/").set("SCGI", "2");
  for (int i = 0; i < 3000; ++i) {
    ASSERT_EQ(ask(refused).status, 400) << i;
    // Now and then a line's worth is read, so that there is room for a part of one.
    if (i % 100 == 0) shows("", 70);
  }
  EXPECT_TRUE(ask(ScgiRequest::get("/")).complete(200));
  ASSERT_TRUE(eventually([&] {
    ask(refused);
    return shows("log lines were dropped because the log could not be written");
  }));
  EXPECT_TRUE(serve.child().signal(SIGTERM));
  EXPECT_EQ(serve.child().wait(seconds(20)), ExitStatus::exited(0));
  EXPECT_TRUE(eventually([&] { return shows("stopped"); }));
}

TEST_F(LogTerminal, ThatNobodyReadsDoesNotHoldTheEnd) {
  Serve serve({.file = files_.config_file(), .output = terminal_});
  ASSERT_TRUE(eventually([&] { return shows(" READY: "); }, seconds(20)));
  for (int i = 0; i < 3000; ++i) ASSERT_EQ(ask(ScgiRequest::get("/").set("SCGI", "2")).status, 400) << i;
  EXPECT_TRUE(serve.child().signal(SIGTERM));
  EXPECT_EQ(serve.child().wait(seconds(20)), ExitStatus::exited(0));
}

}  // namespace
}  // namespace harness
