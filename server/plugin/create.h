// The step CREATED.
#pragma once

#include <forklift/plugin.h>

#include "base/result.h"
#include "plugin/host_table.h"

namespace forklift::plugin {

// Calls the plugin's create(), if it has one, and returns the instance. The error is the plugin's reason, or the
// exception that has left create(). `host` outlives the instance.  [worker, once]
Result<void*> create(const forklift_plugin& plugin, HostTable& host);

}  // namespace forklift::plugin
