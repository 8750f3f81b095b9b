// `forklift inspect`.
#pragma once

#include <string>

#include "base/result.h"

namespace forklift::cli {

// What the file of the plugin `path` says of itself, as lines for people or as one JSON object; of its libraries, where
// the loader would find them. Nothing of it is mapped or run. All that comes from the file is escaped. The error is one
// line, which begins with the path.
Result<std::string> describe_plugin(const std::string& path, bool json);

// Prints that to standard output, or the error to standard error. Returns the command's exit status.
int inspect(const std::string& path, bool json);

}  // namespace forklift::cli
