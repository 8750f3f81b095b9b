// The status document, as people read it.
#pragma once

#include <string>

#include "cli/json.h"

namespace forklift::cli {

// The server in one line, then a table of apps, then one of workers.
std::string status_table(const Json& document);

// `250ms`, `3.2s`, `5m`, `2h`, `3d`.
std::string format_age(double milliseconds);

}  // namespace forklift::cli
