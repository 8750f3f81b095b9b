// A tree as YAML text: the way back from config/document.h.
#pragma once

#include <string>
#include <string_view>

#include "config/document.h"

namespace forklift::config {

// In block style, one value a line. `parse_document` makes the same tree of it, but for the places. `root` is a map.
std::string write_yaml(const Node& root);

// One value in a line: as it is where no reader of YAML could take it for anything else than this text or the number
// that it looks like, else in double quotes, where what a terminal would obey is escaped.
std::string write_scalar(std::string_view text);

}  // namespace forklift::config
