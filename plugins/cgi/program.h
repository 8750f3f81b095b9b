// A running program, its keeper and the pipes to it.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "descriptor.h"
#include "keeper.h"

namespace cgi {

using std::chrono::milliseconds;

// What is to be run. Neither has an argument from the request: RFC 3875, 4.4 would allow words of the query, which
// others have paid for (CVE-2012-1823).
struct Command {
  std::string file;
  std::string interpreter;               // empty: the file itself
  std::vector<std::string> environment;  // NAME=VALUE
};

class Program {
 public:
  // Starts it, in the folder of `file`; whether that has worked is told by failure(). Refusal (503) where there is no
  // process or descriptor to be had.
  // `has_body`: something is to be written to its standard input, which otherwise is at its end.
  Program(const Command& command, bool has_body, milliseconds grace);
  // end()
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  // Our ends of its standard input, output and error: non-blocking; the last two are the caller's to close.
  Descriptor& input() { return input_; }
  // All is written to its standard input: closes that. Nobody else may, or the program would not see it.
  void end_input();
  Descriptor& output() { return output_; }
  Descriptor& errors() { return errors_; }

  // Readable when hear() has something to hear.
  int control() const { return control_.get(); }
  void hear();

  // Why it was not started; nothing if it was, or if that is not known yet.
  const std::optional<KeeperMessage>& failure() const { return failure_; }
  // Its status (waitpid(2)) once it has exited.
  const std::optional<int>& status() const { return status_; }
  // The keeper was killed, and nobody knows about the program.
  bool is_lost() const { return keeper_gone_ && !status_ && !failure_; }

  // TERM to it, its group and what it has started in its session, unless nothing of that is left, after the grace KILL.
  // At the return all of it is gone, but for what has a session of its own. `on_errors` is called whenever standard
  // error can be read meanwhile: a program that says its last words is not to wait for a reader. Its standard input
  // stays open meanwhile: nobody is to take the end of a body for the whole of it.
  void end(const std::function<void()>& on_errors);
  // Something has ignored TERM and had to be killed. Known after end().
  bool was_killed() const { return was_killed_; }
  // The keeper did not end by itself: somebody has killed or stopped it. The group was killed then. Known after end().
  bool lost_its_keeper() const { return lost_its_keeper_; }

 private:
  void start(const Command& command, bool has_body);
  void order(char what);
  void wait_for_keeper(const std::function<void()>& on_errors);
  void bury_keeper();

  const milliseconds grace_;
  Descriptor input_;
  Descriptor output_;
  Descriptor errors_;
  Descriptor control_;
  pid_t keeper_ = 0;
  bool keeper_gone_ = false;
  bool was_killed_ = false;
  bool lost_its_keeper_ = false;
  std::optional<KeeperMessage> failure_;
  std::optional<int> status_;
};

}  // namespace cgi
