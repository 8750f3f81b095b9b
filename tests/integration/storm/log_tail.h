// A log that is read while it grows.
#pragma once

#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace harness {

class LogTail {
 public:
  explicit LogTail(const std::string& path) : file_(path) {}

  // Each whole line once.
  std::vector<std::string> new_lines();

 private:
  std::ifstream file_;
  std::string begun_;
};

// What a line of the log says of a reload that has ended: as Server::reloads().
std::optional<std::string> end_of_reload_in(std::string_view line);

}  // namespace harness
