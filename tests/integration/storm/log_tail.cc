#include "storm/log_tail.h"

namespace harness {

std::vector<std::string> LogTail::new_lines() {
  std::vector<std::string> lines;
  file_.clear();  // of the end that it had then
  for (std::string line; std::getline(file_, line);) {
    begun_ += line;
    if (file_.eof()) break;
    lines.push_back(std::move(begun_));
    begun_.clear();
  }
  return lines;
}

std::optional<std::string> end_of_reload_in(std::string_view line) {
  constexpr std::string_view kReload = " reload: ";
  const auto at = line.find(kReload);
  if (at == line.npos) return std::nullopt;
  const std::string_view end = line.substr(at + kReload.size());
  const bool is_end = end == "nothing has changed" || end.find(" reloaded, ") != end.npos;
  return is_end ? std::optional(std::string(end)) : std::nullopt;
}

}  // namespace harness
