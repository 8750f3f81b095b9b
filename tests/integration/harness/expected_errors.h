// The lines of level error that a server logs, and those that its test has announced: exactly these, and no other.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace harness {

class ExpectedErrors {
 public:
  // `pattern` is a part of the line; `*` in it stands for anything.
  void add(std::string pattern) { patterns_.push_back(std::move(pattern)); }

  // One entry for each line of level error that no pattern fits, and for each pattern that no such line fits.
  std::vector<std::string> surprises(std::string_view log) const;

 private:
  std::vector<std::string> patterns_;
};

}  // namespace harness
