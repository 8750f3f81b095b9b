// What can only be said once all apps are read.
#pragma once

#include "config/config.h"
#include "config/reader.h"

namespace forklift::config {

// Names that two apps have, and listeners of which the second could not be bound: the same address twice, or an address
// and the same port on all addresses. What a reader has refused already (an empty name) is passed over.
Findings check_apps(const std::vector<App>& apps);

}  // namespace forklift::config
