// The text of a file of the configuration.
#pragma once

#include <string>

#include "base/result.h"

namespace forklift::config {

// At most one byte more than a file may have, which parse_document refuses. Never waits: what is not a regular file is
// an error.
Result<std::string> read_source(const std::string& path);

}  // namespace forklift::config
