// Programs of the distribution that a test runs as people do: git, hg, fossil. They have a home of their own, and see
// none of the user's settings.
#pragma once

#include <string>
#include <vector>

#include "harness/files.h"
#include "harness/waiting.h"

namespace harness {

class Tools {
 public:
  using Words = std::vector<std::string>;

  Tools();

  // NAME=VALUE, for all that run from now on.
  void set(std::string variable) { environment_.push_back(std::move(variable)); }

  // Runs a program, found in PATH, in `folder`, and returns what it has printed; fails the test, and says so, where its
  // exit status is not 0. From the main thread (see Child).
  std::string run(const Words& words, const std::string& folder, milliseconds patience = seconds(110)) const;
  // The same for a program that has to fail.
  std::string fails(const Words& words, const std::string& folder, milliseconds patience = seconds(110)) const;
  // Runs all of them at the same time, each a script of sh(1) that ends with its first failure.
  void run_all(const std::vector<std::string>& scripts, const std::string& folder,
               milliseconds patience = seconds(110)) const;

  // A folder for what they make, removed at the end.
  const TempDir& folder() const { return folder_; }

 private:
  TempDir folder_;
  Words environment_;
};

}  // namespace harness
