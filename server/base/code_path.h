// Who could put other code in a file's place.
#pragma once

#include <string>

#include "base/result.h"

namespace forklift {

// Fails if anybody but the owner may write to the file `path`, to a folder above it or to one that a
// symbolic link on the way leads through, unless that folder is sticky. Owners are trusted, whoever they are: who lets
// a server run a user's plugin as some other user has meant it. `path` is absolute.
//
// Says nothing about what is missing: that is found out when the plugin is opened.  [anywhere, while it is root]
Result<void> check_code_path(const std::string& path);

}  // namespace forklift
