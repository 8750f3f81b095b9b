// The access log: exactly one line a request, however it ends and whatever happens to the file.
#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <regex>
#include <sstream>

#include "harness/scgi_request.h"
#include "harness/server.h"

namespace harness {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

App app(const std::string& format, const std::string& more = {}, const std::string& file = "access.log") {
  return {.name = "app",
          .plugin = fixture_file("misbehaves_as_told"),
          .more = fmt::format("access_log: {{file: {}, format: '{}'}}\n{}", file, format, more)};
}

Response ask(const Server& server, const std::string& what) {
  return fetch(server.listener("app"), ScgiRequest::get("/" + what).add("HTTP_X_DO", what));
}

std::string file_of(const Server& server) {
  return server.folder() / "access.log";
}

// Once the server has stopped.
std::vector<std::string> sorted_lines(const Server& server) {
  auto lines = lines_of(read_file(file_of(server)));
  std::sort(lines.begin(), lines.end());
  return lines;
}

TEST(AccessLog, EveryOutcomeHasExactlyOneLine) {
  Server server({app("$status $ending",
                     "workers: {min: 1, max: 1}\nlimits: {head: 8K, body: 64K}\n"
                     "timeouts: {head: 700ms, request: 700ms}\n")});
  server.expect_error("died of signal 9");
  server.expect_error("killed by timeouts.request");
  server.expect_error("GET \"/fail\" answered 500");
  server.start();
  EXPECT_TRUE(ask(server, "page").complete(200));
  EXPECT_TRUE(ask(server, "fail").complete(500));
  EXPECT_TRUE(ask(server, "die").complete(502));
  EXPECT_EQ(ask(server, "die_late").outcome, Outcome::kAborted);
  EXPECT_TRUE(ask(server, "hang").complete(504));
  EXPECT_TRUE(fetch(server.listener("app"), ScgiRequest::post("/large", repeated_body('x', 65'537))).complete(413));
  EXPECT_TRUE(fetch(server.listener("app"), ScgiRequest::get("/").add("HTTP_X", std::string(9000, 'x'))).complete(431));
  Connection malformed = Connection::to(server.listener("app"));
  ASSERT_TRUE(malformed.send("x"));
  EXPECT_TRUE(malformed.receive(ResponseReader(Dialect::kScgi, "GET")).complete(400));
  Connection slow = Connection::to(server.listener("app"));
  ASSERT_TRUE(slow.send(ScgiRequest::get("/slow").head().substr(0, 20)));
  EXPECT_TRUE(slow.receive(ResponseReader(Dialect::kScgi, "GET")).complete(408));
  Connection leaves = Connection::to(server.listener("app"));
  ASSERT_TRUE(leaves.send(ScgiRequest::get("/leaves").add("HTTP_X_DO", "stream").head()));
  EXPECT_THAT(leaves.receive_some(100), HasSubstr("200"));
  leaves.reset();
  EXPECT_TRUE(ask(server, "page").complete(200));
  EXPECT_EQ(server.stop(), ExitStatus::exited(0));
  EXPECT_THAT(sorted_lines(server),
              ElementsAre("200 aborted", "200 aborted", "200 complete", "200 complete", "400 complete", "408 complete",
                          "413 complete", "431 complete", "500 complete", "502 complete", "504 complete"));
}

TEST(AccessLog, TheBytesAreThoseThatWentOutAlsoOfAWorkerThatHasDied) {
  Server server({app("$uri $status $bytes $ending")});
  server.expect_error("died of signal 9");
  server.start();
  EXPECT_EQ(ask(server, "die_late").outcome, Outcome::kAborted);
  EXPECT_TRUE(ask(server, "page").complete(200));
  EXPECT_EQ(server.stop(), ExitStatus::exited(0));
  EXPECT_THAT(sorted_lines(server), ElementsAre("/die_late 200 5 aborted", "/page 200 5 complete"));
}

TEST(AccessLog, WhoWaitsTooLongHasALineToo) {
  Server server({app("$status $pid $uri",
                     "workers: {min: 1, max: 1}\nqueue: {age: 200ms}\n"
                     "timeouts: {request: 1500ms}\n")});
  server.expect_error("killed by timeouts.request");
  server.start();
  Connection hangs = Connection::to(server.listener("app"));
  const ScgiRequest request = ScgiRequest::get("/hang").add("HTTP_X_DO", "hang");
  ASSERT_TRUE(hangs.send(request.head()));
  EXPECT_TRUE(ask(server, "page").complete(503));
  EXPECT_TRUE(hangs.receive(request.reader()).complete(504));
  EXPECT_EQ(server.stop(), ExitStatus::exited(0));
  const auto lines = sorted_lines(server);
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0], "503 0 -") << "no worker has read it";
  EXPECT_TRUE(std::regex_match(lines[1], std::regex(R"(504 [1-9]\d* /hang)"))) << lines[1];
}

TEST(AccessLog, ThreeFormats) {
  const std::pair<const char*, const char*> kExpected[] = {
      {"combined", R"-(192\.0\.2\.1 - ann \[[^\]]+ \+0000\] "GET /a\?b=c HTTP/1\.1" 200 5 "-" "a \\"b\\" \\x1b")-"},
      {"json", R"-(\{"time":"[^"]+Z","app":"app","generation":1,"pid":\d+,"remote_addr":"192\.0\.2\.1",)-"
               R"-("remote_user":"ann","method":"GET","uri":"/a\?b=c","protocol":"HTTP/1\.1","status":200,"bytes":5,)-"
               R"-("referer":"","user_agent":"a \\"b\\" \\u001b","ending":"complete","seconds":\d+\.\d{6},)-"
               R"-("wait_seconds":\d+\.\d{6}\})-"},
      {"<$app> ${seconds}s $$", R"-(<app> \d+\.\d{6}s \$)-"}};
  for (const auto& [format, expected] : kExpected) {
    Server server({app(format)});
    server.start();
    const ScgiRequest request = ScgiRequest::get("/a?b=c")
                                    .add("REMOTE_ADDR", "192.0.2.1")
                                    .add("REMOTE_USER", "ann")
                                    .add("SERVER_PROTOCOL", "HTTP/1.1")
                                    .add("HTTP_USER_AGENT", "a \"b\" \x1b");
    EXPECT_TRUE(fetch(server.listener("app"), request).complete(200));
    EXPECT_EQ(server.stop(), ExitStatus::exited(0));
    const auto lines = sorted_lines(server);
    ASSERT_EQ(lines.size(), 1U);
    EXPECT_TRUE(std::regex_match(lines[0], std::regex(expected))) << lines[0];
  }
}

TEST(AccessLog, AFullDiskCostsNoAnswer) {
  Server server({app("$uri", {}, "/dev/full")});
  server.expect_error("access log /dev/full: No space left on device");
  server.start();
  for (int i = 0; i < 200; ++i) ASSERT_TRUE(ask(server, "page").complete(200)) << i;
  EXPECT_TRUE(server.wait_for_log("access log /dev/full: No space left on device"));
}

TEST(AccessLog, ASleepingOrDeadReaderOfAFifoCostsNoAnswer) {
  const TempDir folder;
  ASSERT_EQ(::mkfifo((folder / "fifo").c_str(), 0600), 0);
  UniqueFd reader(::open((folder / "fifo").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  // A pipe takes 64 KiB: lines of a thousand bytes fill it soon.
  Server server({app(std::string(1000, '.') + " $status", {}, folder / "fifo")});
  server.expect_error("Broken pipe");
  server.start();
  for (int i = 0; i < 200; ++i) ASSERT_TRUE(ask(server, "page").complete(200)) << i;
  reader.reset();
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(ask(server, "page").complete(200)) << i;
  EXPECT_TRUE(server.wait_for_log("Broken pipe"));
  reader.reset(::open((folder / "fifo").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  std::string all;
  const auto all_there = [&] {
    char buffer[8192];
    for (ssize_t n = 0; (n = ::read(reader.get(), buffer, sizeof buffer)) > 0;) {
      all.append(buffer, static_cast<std::size_t>(n));
    }
    return std::count(all.begin(), all.end(), '\n') == 250;
  };
  EXPECT_TRUE(eventually(all_there));
  for (const std::string& line : lines_of(all)) EXPECT_EQ(line, std::string(1000, '.') + " 200");
}

TEST(AccessLog, AFileThatCannotBeOpenedIsNoStart) {
  Server server({app("$uri", {}, "none/access.log")});
  server.expect_error("none/access.log: No such file or directory");
  server.launch();
  EXPECT_EQ(server.wait(), ExitStatus::exited(1));
}

}  // namespace
}  // namespace harness
