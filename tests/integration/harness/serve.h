// `forklift serve FILE` and no more: for files that another server runs from, for those that no server can run from,
// and for a master that is started in a way of its own. The errors that it tells have to be those that its test has
// announced, as those of a Server; what it leaves behind is the test's business.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "harness/child.h"
#include "harness/expected_errors.h"
#include "harness/waiting.h"

namespace harness {

class Serve {
 public:
  struct Options {
    std::string file;                  // see Server::write_config()
    std::string output;                // a path, for standard output and error; what goes into a FIFO is not read
    std::vector<std::string> under{};  // the program that starts it, with its arguments; [0] is a path
  };

  explicit Serve(const Options& options);
  // Kills it, if it still runs.
  ~Serve();
  Serve(const Serve&) = delete;
  Serve& operator=(const Serve&) = delete;

  // As Server's.
  void expect_error(std::string pattern, std::optional<std::size_t> times = std::nullopt) {
    expected_errors_.add(std::move(pattern), times);
  }

  Child& child() { return child_; }
  std::string output() const;
  // Waits for READY, or for the end; true if it was READY.
  bool ready(milliseconds patience = seconds(20));

 private:
  std::string output_;
  Child child_;
  ExpectedErrors expected_errors_;
};

}  // namespace harness
