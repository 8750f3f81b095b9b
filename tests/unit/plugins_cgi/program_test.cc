#include "program.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <csignal>
#include <memory>
#include <vector>

#include "folder.h"
#include "refusal.h"

namespace cgi {
namespace {

using std::chrono::seconds;
using testing::HasSubstr;
using testing::Not;
using Clock = std::chrono::steady_clock;

template <typename Condition>
bool eventually(Condition condition, milliseconds patience = seconds(20)) {
  const auto deadline = Clock::now() + patience;
  while (!condition()) {
    if (Clock::now() >= deadline) return false;
    ::poll(nullptr, 0, 2);
  }
  return true;
}

// A zombie that nobody waits for is gone, too: the first process of a container may be no init.
bool is_alive(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  std::getline(file, text, '\0');  // fails where the process goes meanwhile
  const std::size_t name_end = text.rfind(')');
  return name_end != text.npos && text[name_end + 2] != 'Z';
}

class ProgramTest : public testing::Test {
 protected:
  ProgramTest() { std::signal(SIGPIPE, SIG_IGN); }

  std::string script(const std::string& text) { return folder_.add("program", "#!/bin/sh\n" + text); }
  std::unique_ptr<Program> start(const std::string& file, milliseconds grace = seconds(20)) {
    return std::make_unique<Program>(
        Command{.file = file, .interpreter = "", .environment = {"A=B", "PATH=/bin:/usr/bin"}}, true, grace);
  }
  // The output up to its end, or up to `bytes` of it.
  std::string read(Program& program, std::size_t bytes = std::string::npos) {
    std::string text;
    char buffer[1000];
    eventually([&] {
      const ssize_t n = ::read(program.output().get(), buffer, sizeof buffer);
      if (n > 0) text.append(buffer, static_cast<std::size_t>(n));
      return n == 0 || text.size() >= bytes;
    });
    return text;
  }
  pid_t read_pid(Program& program) { return std::stoi(read(program, 2)); }
  static bool exits(Program& program) {
    return eventually([&] { return program.hear(), program.status().has_value(); });
  }
  // From the pid file that a script writes.
  pid_t pid_in(const std::string& name) {
    pid_t pid = 0;
    eventually([&] { return std::ifstream(folder_ / name) >> pid && pid > 0; });
    return pid;
  }

  Folder folder_;
};

TEST_F(ProgramTest, HasThreeDescriptorsDefaultSignalsAndAGroupOfItsOwn) {
  const int leaked = ::fcntl(0, F_DUPFD, 50);  // without close-on-exec
  sigset_t some, before;
  sigemptyset(&some);
  sigaddset(&some, SIGTERM);
  sigaddset(&some, SIGUSR1);
  ::sigprocmask(SIG_BLOCK, &some, &before);
  auto program = start(TELLS_ALL);
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
  program->end_input();
  const std::string page = read(*program);
  EXPECT_THAT(page, HasSubstr("argument 0 " TELLS_ALL "\n"));
  EXPECT_THAT(page, Not(HasSubstr("argument 1")));
  for (const char* fd : {"fd 0 pipe:", "fd 1 pipe:", "fd 2 pipe:"}) EXPECT_THAT(page, HasSubstr(fd));
  EXPECT_THAT(page, Not(HasSubstr("fd 3")));
  EXPECT_THAT(page, Not(HasSubstr("fd " + std::to_string(leaked))));
  EXPECT_THAT(page, HasSubstr("SigBlk:\t0000000000000000"));
  EXPECT_THAT(page, HasSubstr("SigIgn:\t0000000000000000"));
  EXPECT_THAT(page, HasSubstr("\nA=B\nPATH=/bin:/usr/bin\n"));
  EXPECT_THAT(page, Not(HasSubstr("group " + std::to_string(::getpgrp()) + "\n")));
  EXPECT_THAT(page, HasSubstr("folder " + std::string(TELLS_ALL).substr(0, std::string(TELLS_ALL).rfind('/')) + "\n"));
  EXPECT_TRUE(exits(*program));
  EXPECT_EQ(program->status(), 0);
  program->end([] {});
  EXPECT_FALSE(program->was_killed());
  ::close(leaked);
}

// What the README says, for rlimits.nofile. (A body that is spooled takes one more.)
TEST_F(ProgramTest, TakesNineDescriptorsToStartAndFourToRun) {
  const std::string file = script("cat");
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit few{200, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
  std::vector<Descriptor> all;
  const auto take_all = [&] {
    std::size_t count = 0;
    for (int fd = 0; (fd = ::fcntl(0, F_DUPFD_CLOEXEC, 0)) >= 0; ++count) all.emplace_back(fd);
    return count;
  };
  take_all();
  const auto start_with = [&](std::size_t count) {
    all.resize(all.size() - count);
    return start(file);
  };
  EXPECT_THROW(start_with(8), Refusal);
  take_all();
  auto program = start_with(9);
  EXPECT_EQ(take_all(), 5U) << "and four are in use";
  all.clear();
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  program->end_input();
  EXPECT_TRUE(exits(*program));
  EXPECT_EQ(program->status(), 0);
}

TEST_F(ProgramTest, SaysHowItHasEnded) {
  auto program = start(script("exit 3"));
  ASSERT_TRUE(exits(*program));
  EXPECT_EQ(WEXITSTATUS(*program->status()), 3);
  program = start(script("kill -SEGV $$"));
  ASSERT_TRUE(exits(*program));
  EXPECT_EQ(WTERMSIG(*program->status()), SIGSEGV);
}

TEST_F(ProgramTest, SaysWhyItCouldNotBeRun) {
  for (const auto& [file, error] :
       {std::pair{folder_.add("a", "#!/no/such/interpreter\n"), ENOENT},
        std::pair{folder_.add("b", "neither script nor binary"), ENOEXEC},
        std::pair{folder_.add("c", "#!/bin/sh\n", 0644), EACCES}, std::pair{folder_ / "missing", ENOENT}}) {
    auto program = start(file);
    ASSERT_TRUE(eventually([&] { return program->hear(), program->failure().has_value(); })) << file;
    EXPECT_EQ(program->failure()->value, error) << file;
    EXPECT_EQ(program->failure()->in_exec, 1);
  }
}

TEST_F(ProgramTest, WithoutDescriptorsItIsRefused) {
  const std::string file = script("exit 0");
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  const int next = ::fcntl(0, F_DUPFD, 0);
  ::close(next);
  for (const int more : {0, 1, 3, 5, 7}) {
    const rlimit few{.rlim_cur = static_cast<rlim_t>(next + more), .rlim_max = before.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &few);
    int status = 0;
    try {
      start(file);
    } catch (const Refusal& refusal) {
      status = refusal.status();
    }
    ::setrlimit(RLIMIT_NOFILE, &before);
    EXPECT_EQ(status, 503) << more;
    const int again = ::fcntl(0, F_DUPFD, 0);
    ::close(again);
    EXPECT_EQ(again, next) << "none was lost";
  }
}

TEST_F(ProgramTest, TermEndsItAndItsGroup) {
  auto program = start(script("sleep 1000 & echo $! >child; echo $$; exec sleep 1000"));
  const pid_t pid = read_pid(*program);
  const pid_t child = pid_in("child");
  const auto before = Clock::now();
  program->end([] {});
  EXPECT_LT(Clock::now() - before, seconds(20));
  EXPECT_FALSE(is_alive(pid));
  EXPECT_FALSE(is_alive(child));
  EXPECT_FALSE(program->was_killed());
  EXPECT_EQ(WTERMSIG(*program->status()), SIGTERM);
}

TEST_F(ProgramTest, WhatItLeavesInItsGroupGoesWithIt) {
  auto program = start(script("sleep 1000 >/dev/null 2>&1 & echo $! >child; exit 0"));
  ASSERT_TRUE(exits(*program));
  const pid_t child = pid_in("child");
  EXPECT_TRUE(is_alive(child));
  program->end([] {});
  EXPECT_FALSE(is_alive(child));
}

// timeout(1) has a group of its own, with what it runs.
TEST_F(ProgramTest, WhatItLeavesInAnotherGroupGoesWithIt) {
  auto program = start(script("timeout 1000 sh -c 'echo $$ >child; exec sleep 1000' >/dev/null 2>&1 & exit 0"));
  ASSERT_TRUE(exits(*program));
  const pid_t child = pid_in("child");
  ASSERT_NE(::getpgid(child), child);
  EXPECT_TRUE(is_alive(child));
  program->end([] {});
  EXPECT_FALSE(is_alive(child));
  EXPECT_FALSE(program->was_killed());
}

TEST_F(ProgramTest, WhatIgnoresTermInAnotherGroupIsKilledAfterTheGrace) {
  auto program = start(script("timeout 1000 sh -c '"
                              "trap \"\" TERM; (sleep 1000; sleep 1000) & echo $! >grandchild; echo $$ >child; wait' & "
                              "echo $$; exec sleep 1000"),
                       milliseconds(200));
  const pid_t pid = read_pid(*program);
  const pid_t child = pid_in("child");
  const pid_t grandchild = pid_in("grandchild");
  program->end([] {});
  EXPECT_FALSE(is_alive(pid));
  EXPECT_FALSE(is_alive(child));
  EXPECT_FALSE(is_alive(grandchild));
  EXPECT_TRUE(program->was_killed());
}

// Each in the group of the one before, or in one of its own, and all of them ready to end.
TEST_F(ProgramTest, TermReachesTheChildrenOfThoseThatHaveObeyed) {
  auto program =
      start(script("for i in 1 2 3; do set -- timeout 1000 sh -c '\"$@\"; :' - \"$@\"; done\n"
                   "\"$@\" sh -c 'trap \"echo >obeyed; exit\" TERM; echo $$ >child; while :; do sleep 0.01; done'"
                   " & exit 0"));
  ASSERT_TRUE(exits(*program));
  const pid_t child = pid_in("child");
  program->end([] {});
  EXPECT_FALSE(is_alive(child));
  EXPECT_TRUE(std::filesystem::exists(folder_ / "obeyed"));
  EXPECT_FALSE(program->was_killed());
}

TEST_F(ProgramTest, WhoHasASessionOfItsOwnLivesOn) {
  auto program = start(script("setsid sh -c 'echo $$ >daemon; exec sleep 1000' >/dev/null 2>&1 & exit 0"));
  ASSERT_TRUE(exits(*program));
  const pid_t daemon = pid_in("daemon");
  program->end([] {});
  EXPECT_TRUE(is_alive(daemon));
  ::kill(daemon, SIGKILL);
  EXPECT_TRUE(eventually([&] { return !is_alive(daemon); }));
}

TEST_F(ProgramTest, WhoIgnoresTermIsKilledAfterTheGrace) {
  auto program =
      start(script("trap '' TERM; (sleep 1000; sleep 1000) & echo $! >child; echo $$; while :; do sleep 1000; done"),
            milliseconds(200));
  const pid_t pid = read_pid(*program);
  const pid_t child = pid_in("child");
  const auto before = Clock::now();
  program->end([] {});
  EXPECT_GE(Clock::now() - before, milliseconds(200));
  EXPECT_TRUE(eventually([&] { return !is_alive(pid) && !is_alive(child); }));
  EXPECT_TRUE(program->was_killed());
}

TEST_F(ProgramTest, AStoppedOneIsEndedToo) {
  auto program = start(script("sleep 1000 & echo $! >child; echo $$; kill -STOP $!; kill -STOP $$; sleep 1000"));
  const pid_t pid = read_pid(*program);
  const pid_t child = pid_in("child");
  program->end([] {});
  EXPECT_FALSE(is_alive(pid));
  EXPECT_FALSE(is_alive(child));
}

// Its group, the keeper included, as `kill 0` in a shell does.
TEST_F(ProgramTest, ASignalToItsWholeGroupEndsItToo) {
  for (const char* deed : {"kill -KILL 0", "kill -STOP 0"}) {
    auto program =
        start(script(std::string("sleep 1000 & echo $! >child; echo $$; ") + deed + "; sleep 1000"), milliseconds(100));
    const pid_t pid = read_pid(*program);
    const pid_t child = pid_in("child");
    program->end([] {});
    EXPECT_TRUE(eventually([&] { return !is_alive(pid) && !is_alive(child); })) << deed;
    EXPECT_TRUE(program->lost_its_keeper());
    EXPECT_FALSE(program->was_killed());
  }
}

TEST_F(ProgramTest, ItsLastWordsFindAReader) {
  auto program = start(
      script("trap 'yes | head -c 200000 >&2; echo done >said; exit 0' TERM; echo $$; while :; do sleep 0.01; done"));
  read_pid(*program);
  std::size_t bytes = 0;
  program->end([&] {
    char buffer[4096];
    const ssize_t n = ::read(program->errors().get(), buffer, sizeof buffer);
    if (n > 0) bytes += static_cast<std::size_t>(n);
  });
  EXPECT_FALSE(program->was_killed());
  EXPECT_TRUE(std::filesystem::exists(folder_ / "said"));
  EXPECT_GT(bytes, 130'000U);
}

// A worker that is killed runs nothing more of ours.
TEST_F(ProgramTest, GoesWithAWorkerThatIsKilled) {
  const std::string file = script("sleep 1000 & echo $! >child; echo $$ >self; exec sleep 1000");
  const pid_t worker = ::fork();
  if (worker == 0) {
    auto program = start(file);
    while (true) ::pause();
  }
  const pid_t child = pid_in("child");
  const pid_t pid = pid_in("self");
  EXPECT_TRUE(is_alive(pid));
  ::kill(worker, SIGKILL);
  ::waitpid(worker, nullptr, 0);
  EXPECT_TRUE(eventually([&] { return !is_alive(pid) && !is_alive(child); }));
}

TEST_F(ProgramTest, AndSoDoesWhatHasAGroupOfItsOwn) {
  const std::string file = script("timeout 1000 sh -c 'trap \"\" TERM; echo $$ >child; sleep 1000; sleep 1000' & wait");
  const pid_t worker = ::fork();
  if (worker == 0) {
    auto program = start(file);
    while (true) ::pause();
  }
  const pid_t child = pid_in("child");
  ::kill(worker, SIGKILL);
  ::waitpid(worker, nullptr, 0);
  EXPECT_TRUE(eventually([&] { return !is_alive(child); }));
}

// A body of which a part is written, and a program that takes TERM for no reason to stop reading.
TEST_F(ProgramTest, AWorkerThatIsKilledEndsNoBody) {
  const std::string file = script("trap '' TERM; echo $$ >self; cat >/dev/null; echo >end; exec sleep 1000");
  const pid_t worker = ::fork();
  if (worker == 0) {
    auto program = start(file, seconds(60));
    (void)!::write(program->input().get(), "half\n", 5);
    while (true) ::pause();
  }
  const pid_t pid = pid_in("self");
  ::kill(worker, SIGKILL);
  ::waitpid(worker, nullptr, 0);
  EXPECT_TRUE(eventually([&] { return !is_alive(pid); }));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "end"));
}

TEST_F(ProgramTest, TheEndOfItsInputIsOneAlthoughTheKeeperHoldsACopy) {
  auto program = start(script("cat"));
  ASSERT_EQ(::write(program->input().get(), "body", 4), 4);
  program->end_input();
  EXPECT_EQ(read(*program), "body");
  EXPECT_TRUE(exits(*program));
}

// Soon, whatever the grace is: nobody is left who would be waited for.
TEST_F(ProgramTest, AlsoIfItIgnoresTermThen) {
  const std::string file = script("trap '' TERM; sleep 1000 & echo $! >child; echo $$ >self; sleep 1000; sleep 1000");
  const pid_t worker = ::fork();
  if (worker == 0) {
    auto program = start(file, seconds(60));
    while (true) ::pause();
  }
  const pid_t child = pid_in("child");
  const pid_t pid = pid_in("self");
  ::kill(worker, SIGKILL);
  ::waitpid(worker, nullptr, 0);
  EXPECT_TRUE(eventually([&] { return !is_alive(pid) && !is_alive(child); }));
}

}  // namespace
}  // namespace cgi
