// Which libraries a process has loaded, and where from.
#pragma once

#include <string>
#include <vector>

namespace forklift::plugin {

// The files of all libraries of this process, in the order in which they were loaded, as the loader knows them.
// [anywhere]
std::vector<std::string> loaded_libraries();

// Those that have come since `before`, and that lie outside the folders which the system's package manager looks after
// (/lib, /usr/lib and their kin; not /usr/local/lib): nobody makes sure that they are replaced by rename, and writing
// into a library harms the workers that run it. Symbolic links are followed. The image of a plugin is none of them.
// [worker, after LOADED]
std::vector<std::string> foreign_libraries(const std::vector<std::string>& before);

// Whether `path`, in which no symbolic link is left, is in one of the system's folders.
bool is_systems(const std::string& path);

}  // namespace forklift::plugin
