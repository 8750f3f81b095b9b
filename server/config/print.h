// `forklift check --print`.
#pragma once

#include <string>

#include "config/config.h"

namespace forklift::config {

// The configuration as it takes effect, as YAML: every key with its value, also where that is the default; what comes
// from `defaults` and from included files stands in the apps; paths are absolute. What is not there and has no default
// (a pid file, limits) is left out. Reading it gives the same configuration, but for the places in the file.
std::string print(const Config& config);

}  // namespace forklift::config
