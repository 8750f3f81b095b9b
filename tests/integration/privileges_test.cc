// What a worker has no more of what the server was started with.
#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <sstream>
#include <string>

#include "base/unique_fd.h"
#include "harness/checking.h"
#include "harness/processes.h"
#include "harness/scgi_request.h"
#include "harness/server.h"

namespace harness {
namespace {

using testing::HasSubstr;

constexpr const char* kNoTerminal = "terminal none, of a child none";

// What the kernel calls a terminal, with this process at its other end.
class Terminal {
 public:
  Terminal() : end_(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)) {
    if (!end_ || grantpt(end_.get()) != 0 || unlockpt(end_.get()) != 0) throw std::runtime_error("no terminal");
  }
  // The words before a command that shall have it.
  std::vector<std::string> words() const { return {program_file("runs_in_a_terminal"), ptsname(end_.get())}; }

 private:
  forklift::UniqueFd end_;
};

// The device number of a process's terminal, the seventh field of its stat(5); 0 where it has none.
int terminal_of(pid_t pid) {
  const std::string stat = read_file(fmt::format("/proc/{}/stat", pid));
  std::istringstream fields(stat.substr(stat.rfind(')') + 1));
  std::string state;
  int parent = 0, group = 0, session = 0, terminal = -1;
  fields >> state >> parent >> group >> session >> terminal;
  return terminal;
}

// Whoever has it may write what its shell reads next (TIOCSTI).
TEST(Privileges, AWorkerHasNoTerminal) {
  const Terminal terminal;
  Server server({{.name = "app", .plugin = fixture_file("tells_its_privileges")}});
  server.run_with(terminal.words());
  server.start();
  EXPECT_NE(terminal_of(server.pid()), 0) << "the server's own";
  for (const Process& worker : children_of(server.pid())) EXPECT_EQ(terminal_of(worker.pid), 0) << worker.name;
  EXPECT_THAT(fetch(server.listener("app"), ScgiRequest::get("/")).body, HasSubstr(kNoTerminal));
}

class PrivilegesOfCheck : public Check {};

TEST_F(PrivilegesOfCheck, APluginThatIsCheckedHasNoTerminal) {
  const Terminal terminal;
  write({{"app", fixture_file("tells_its_privileges")}});
  std::vector<std::string> command = terminal.words();
  command.insert(command.end(), {server_binary(), "check", file()});
  start_command(command);
  EXPECT_EQ(wait(), ExitStatus::exited(0));
  EXPECT_THAT(output(), HasSubstr(kNoTerminal));
}

// How the fixture finds_texts is told what to look for.
std::string turned(std::string text) {
  std::reverse(text.begin(), text.end());
  return text;
}

// (The address sanitizer keeps what was freed as it was, in its quarantine.)
TEST(NotSanitizedPrivileges, ANewWorkerHasNothingInItsMemoryOfWhatOtherAppsWereAskedAndSaid) {
  const std::string answered = "/account/a-path-that-is-as-good-as-a-password", failed = "/fail/with-another-such-path",
                    refused = "/too/long/and-still-a-secret", referer = "http://intranet/whatever-was-looked-for-there",
                    printed = "parent 499 0000000000000000", own = "what-is-its-own";
  Server server({{.name = "keeper",
                  .plugin = fixture_file("misbehaves_as_told"),
                  .more = "workers: {min: 2}\nlimits: {body: 1K}\naccess_log: {file: access.log, format: combined}\n"},
                 {.name = "finder",
                  .plugin = fixture_file("finds_texts"),
                  .more = fmt::format("workers: {{min: 1, max: 1, max_requests: 1}}\nsettings: {{own: {}, backwards: "
                                      "['{}', '{}', '{}', '{}', '{}', '{}']}}\n",
                                      own, turned(own), turned(answered), turned(failed), turned(refused),
                                      turned(referer), turned(printed))}});
  server.expect_error("app \"keeper\" *: GET \"" + failed + "\" answered 500: *");
  server.start();
  const Endpoint& keeper = server.listener("keeper");
  for (int i = 0; i < 20; ++i) {
    const auto get = ScgiRequest::get(answered + std::to_string(i)).add("HTTP_REFERER", referer);
    EXPECT_TRUE(fetch(keeper, get).complete(200));
  }
  EXPECT_TRUE(fetch(keeper, ScgiRequest::post(refused, std::string(2000, 'x'))).complete(413));
  EXPECT_TRUE(fetch(keeper, ScgiRequest::get("/").add("HTTP_X_DO", "print_both")).complete(200));
  EXPECT_TRUE(fetch(keeper, ScgiRequest::get(failed).add("HTTP_X_DO", "fail")).complete(500));
  ASSERT_TRUE(server.wait_for_log("parent 499"));
  // The worker that serves first is as old as the server.
  EXPECT_TRUE(fetch(server.listener("finder"), ScgiRequest::get("/"), seconds(20)).complete(200));
  EXPECT_EQ(fetch(server.listener("finder"), ScgiRequest::get("/"), seconds(20)).body, "found none none none none none")
      << "its own; what was answered, failed, refused; a header; what was printed";
}

}  // namespace
}  // namespace harness
