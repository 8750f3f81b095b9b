// The configuration's reader: whatever a file holds, it becomes a configuration or findings that lead to the place.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "config/print.h"
#include "config/reader.h"
#include "invariant.h"

namespace forklift::fuzz {
namespace {

const std::string kFile = "/nowhere/server.yaml";

std::vector<std::string_view> split_lines(std::string_view text) {
  std::vector<std::string_view> lines;
  for (std::size_t end = 0; end != text.npos; text.remove_prefix(std::min(end + 1, text.size()))) {
    end = text.find('\n');
    lines.push_back(text.substr(0, end));
  }
  return lines;
}

// One column behind a line's last byte is the place of what is missing there; line 0 is the file as a whole.
void require_inside(const config::Position& position, const std::vector<std::string_view>& lines) {
  require(position.file == kFile, "a position in another file");
  if (position.line == 0) return require(position.column == 0, "a column without a line");
  const auto line = static_cast<std::size_t>(position.line);
  require(position.line > 0 && line <= lines.size(), "a line outside the file");
  require(position.column > 0 && static_cast<std::size_t>(position.column) <= lines[line - 1].size() + 1,
          "a column outside its line");
}

// What takes effect can be printed, and reads back to the same; unless it has grown over the bounds of a file.
void require_print(const config::Config& config) {
  constexpr std::size_t kPrintedMax = 64 * 1024;
  const std::string printed = config::print(config);
  if (printed.size() > kPrintedMax) return;
  const auto again = config::read_text(printed, kFile);
  require(again.has_value(), "what is printed cannot be read");
  require(config::print(*again) == printed, "what is printed reads back to something else");
}

// All that a reading has said, or "fine".
std::string try_text(std::string_view text) {
  const auto config = config::read_text(text, kFile);
  if (config) {
    require(!config->apps.empty(), "no app, and no finding");
    for (const config::App& app : config->apps) {
      require(!app.name.empty() && app.plugin.starts_with('/') && !app.listen.empty(), "an incomplete app");
    }
    require_print(*config);
    return "fine";
  }
  require(!config.error().empty(), "a failure without findings");
  const std::vector<std::string_view> lines = split_lines(text);
  std::string all;
  for (const config::Finding& finding : config.error()) {
    require_inside(finding.position, lines);
    require_reason(finding.message);
    all += finding.to_string() + "\n";
  }
  return all;
}

}  // namespace
}  // namespace forklift::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::string first = forklift::fuzz::try_text(text);
  forklift::fuzz::require(forklift::fuzz::try_text(text) == first, "the second reading says something else");
  return 0;
}
