// `forklift serve FILE` and no more: for files that another server runs from, for those that no server can run from,
// and for a master that is started in a way of its own.
#pragma once

#include <string>
#include <vector>

#include "harness/child.h"
#include "harness/waiting.h"

namespace harness {

class Serve {
 public:
  struct Options {
    std::string file;                  // see Server::write_config()
    std::string output;                // a path, for standard output and error
    std::vector<std::string> under{};  // the program that starts it, with its arguments; [0] is a path
  };

  explicit Serve(const Options& options);

  Child& child() { return child_; }
  std::string output() const;
  // Waits for READY, or for the end; true if it was READY.
  bool ready(milliseconds patience = seconds(20));

 private:
  std::string output_;
  Child child_;
};

}  // namespace harness
