// Whether a folder can be the server's own: whoever could replace it, or what is in it, could give the server orders.
#pragma once

#include <string>

#include "base/result.h"

namespace forklift::machine {

// A folder on the way: fails where anybody but root and this user could rename what is in it, or lead it elsewhere if
// it is a symbolic link. Folders that only the link names are looked at, too.
Result<void> check_runtime_parent(const std::string& path);

// The folder itself: fails where it is none, or is not this user's alone. `path` has no slash at its end, behind which
// lstat(2) would follow a symbolic link.
Result<void> check_runtime_folder(const std::string& path);

// What making `path` as runtime_dir would fail with, as far as that can be seen without making anything.  [check]
Result<void> check_runtime_dir(std::string path);

}  // namespace forklift::machine
