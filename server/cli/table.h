// Text in columns.
#pragma once

#include <string>
#include <vector>

namespace forklift::cli {

using Row = std::vector<std::string>;

// A line for each row, in columns that are as wide as they have to be, two blanks between them. What could drive a
// terminal is escaped. Every row has as many cells as the first.
std::string table(const std::vector<Row>& rows);

}  // namespace forklift::cli
