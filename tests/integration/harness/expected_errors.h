// The lines of level error that a server logs, and those that its test has announced: exactly these, and no other.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace harness {

class ExpectedErrors {
 public:
  // `pattern` is a part of the line; `*` in it stands for anything. It fits exactly so many lines as `times` says;
  // without it, at least one.
  void add(std::string pattern, std::optional<std::size_t> times = std::nullopt) {
    patterns_.push_back({std::move(pattern), times});
  }

  // One entry for each line of level error that no pattern fits, and for each pattern that fits too few such lines, or
  // too many.
  std::vector<std::string> surprises(std::string_view log) const;

 private:
  struct Pattern {
    std::string text;
    std::optional<std::size_t> times;
  };

  std::vector<Pattern> patterns_;
};

}  // namespace harness
