// What `forklift` says of itself.
#pragma once

#include <string>
#include <string_view>

#include "cli/command.h"

namespace forklift::cli {

// `forklift --help`; `forklift help COMMAND`.
std::string usage();
std::string usage_of(const Command& command);

// `forklift --version`: the first line is the server's version alone; then the versions of the plugin API that it
// serves, how it was built, and the libraries that it runs with.
std::string versions(std::string_view server_version);

}  // namespace forklift::cli
