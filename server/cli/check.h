// `forklift check`.
#pragma once

#include <string>

namespace forklift::cli {

// Says on standard error all that is wrong with the configuration `file`, one line each: what is wrong with the file
// itself, what this machine cannot give, users that nobody knows, plugins that do not start. The last line says what
// was fine, or how many findings there are. With `print`, the effective configuration goes to standard output, unless
// the file itself is wrong. Returns the command's exit status.
//
// Signals must be blocked already (base/signals.h): TERM, INT, QUIT and HUP end the command, and the plugin that is
// being tried.
int check(const std::string& file, bool print);

}  // namespace forklift::cli
