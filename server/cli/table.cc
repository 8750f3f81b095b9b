#include "cli/table.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/quote.h"

namespace forklift::cli {

std::string table(const std::vector<Row>& rows) {
  std::vector<std::size_t> widths;
  std::vector<Row> shown;
  for (const Row& row : rows) {
    Row& cells = shown.emplace_back();
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) {
      cells.push_back(escape_controls(row[i]));
      widths[i] = std::max(widths[i], cells[i].size());
    }
  }
  std::string text;
  for (const Row& row : shown) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) line += fmt::format("{:<{}}  ", row[i], widths[i]);
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

}  // namespace forklift::cli
