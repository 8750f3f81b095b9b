// The test's end of the fixture stops_where_told: workers come here, stand still, and wait for orders.
#pragma once

#include <sys/types.h>

#include <string>

#include "base/unique_fd.h"
#include "harness/files.h"
#include "harness/waiting.h"

namespace harness {

// A process that stands still at a point of its request.
class Stopped {
 public:
  Stopped(forklift::UniqueFd fd, pid_t pid) : fd_(std::move(fd)), pid_(pid) {}

  pid_t pid() const { return pid_; }

  void go_on() { order('g'); }
  void raise_segv() { order('s'); }
  void call_abort() { order('a'); }
  void call_exit() { order('x'); }       // _exit(0)
  void spin() { order('b'); }            // for ever
  void ignore_signals() { order('d'); }  // blocks and ignores all that it can, and sleeps on
  void fork_child() { order('f'); }      // the child comes to the same stop point

 private:
  void order(char letter);

  forklift::UniqueFd fd_;
  pid_t pid_;
};

class StopPoint {
 public:
  StopPoint();

  // For HTTP_X_CONTROL.
  const std::string& path() const { return path_; }

  // Waits for the next process to come; throws if none does.
  Stopped wait(milliseconds patience = kPatience);

 private:
  TempDir folder_;
  std::string path_;
  forklift::UniqueFd listener_;
};

}  // namespace harness
