// Where the control socket of a server is, for the commands: they have to find it also while its file is broken, half
// written or gone.
#pragma once

#include <string>

namespace forklift::config {

// The socket of the server that runs from `file`, absolute: what the file's own `control` or `runtime_dir` says, as far
// as that can be read, whatever else is wrong with it; else the default. It is what the server has now only if the two
// keys have not changed since it was started, and if the one who asks is the user who started it.
std::string locate_control(const std::string& file);

}  // namespace forklift::config
