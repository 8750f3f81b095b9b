// A plugin opened where it lies.
#pragma once

#include <string>

#include "base/result.h"

namespace forklift::plugin {

// Opens the plugin by its path, with every symbol bound now and none of them visible to others, and returns dlopen(3)'s
// handle. Other than open_image() it takes no copy: debuggers, profilers and sanitizers find the file by its name, and
// who overwrites it meanwhile ends this process. What a look into the file refuses (another machine, another version of
// the API) is refused before any of its code runs. Errors name the path.  [a process that serves nobody]
Result<void*> open_file(const std::string& plugin_path);

}  // namespace forklift::plugin
