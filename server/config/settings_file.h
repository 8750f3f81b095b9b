// Settings in a file of their own, as `forklift call` takes them.
#pragma once

#include <string>

#include <tl/expected.hpp>

#include "config/reader.h"

namespace forklift::config {

// The file's tree is what stands below `settings:` in a configuration. An empty file is an empty map.
tl::expected<Settings, Findings> read_settings(const std::string& path);

}  // namespace forklift::config
