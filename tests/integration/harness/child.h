// A program that a test runs.
#pragma once

#include <sys/types.h>

#include <iosfwd>
#include <string>
#include <vector>

#include "harness/waiting.h"

namespace harness {

// How a program ended.
struct ExitStatus {
  enum class Kind { kExited, kKilled, kStillRunning };
  Kind kind = Kind::kStillRunning;
  int value = 0;  // kExited: the exit status; kKilled: the signal's number

  static ExitStatus exited(int status) { return {Kind::kExited, status}; }
  static ExitStatus killed(int signal) { return {Kind::kKilled, signal}; }
  bool operator==(const ExitStatus&) const = default;
};

std::ostream& operator<<(std::ostream& out, const ExitStatus& status);

// Of the server's commands.
inline const ExitStatus kGood = ExitStatus::exited(0), kFailed = ExitStatus::exited(1), kWrongUse = ExitStatus::exited(2);

class Child {
 public:
  struct Options {
    std::vector<std::string> command;      // [0] is a path
    std::vector<std::string> environment;  // NAME=VALUE, added to the test's own; the same name replaces
    std::string output;                    // the file for standard output and standard error, appended to
    int death_signal = 9;                  // what the program gets if the test dies before it
    std::vector<int> descriptors{};        // of the test; the program has them as 3, 4, ...
  };

  Child() = default;
  ~Child();  // SIGKILL, if it still runs
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // Starts the program; throws if it can't. To be called from the test's main thread: the death signal is tied to the
  // thread that started the program (PR_SET_PDEATHSIG(2const)).
  void start(const Options& options);

  pid_t pid() const { return pid_; }  // of the last start; 0 before the first
  bool running();

  // Whether `pid` is a program that a Child of this test has started and not waited for: all other children of this
  // process are orphans of such programs.
  static bool is_one(pid_t pid);

  // Signals the program; false, and nothing has happened, unless it is a child of this test that was not waited for. So
  // a signal can never hit a group, another program that has got its pid, or the whole machine (kill(2) with 0 and -1).
  bool signal(int number) const;

  // Waits for the end. Once it has come, it stays the answer.
  ExitStatus wait(milliseconds patience);

 private:
  pid_t pid_ = 0;
  ExitStatus status_;
};

}  // namespace harness
