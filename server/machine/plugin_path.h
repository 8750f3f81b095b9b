// Who could put other code in a plugin's place.
#pragma once

#include <string>

#include "base/result.h"

namespace forklift::machine {

// Fails if anybody but the owner may write to the file `path`, to a folder above it or to one that a
// symbolic link on the way leads through, unless that folder is sticky. Owners are trusted, whoever they are: who lets
// a server run a user's plugin as some other user has meant it.
//
// Says nothing about what is missing: that is found out when the plugin is opened.  [master or check]
Result<void> check_plugin_path(const std::string& path);

}  // namespace forklift::machine
