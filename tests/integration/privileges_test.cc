// What a worker has no more of what the server was started with.
#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <sstream>

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

}  // namespace
}  // namespace harness
