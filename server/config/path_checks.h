// Paths that no two keys can share.
#pragma once

#include "config/document.h"
#include "config/value.h"

namespace forklift::config {

// A finding for each path that two keys name for different things: a server that wrote its log into a plugin, or its
// pid into a log, would spoil it. Logs may share a file, and apps a plugin; two apps on one socket are found by
// check_apps. Paths are compared as they are written, without following links. `root` has the places of what stands
// above the apps.
Findings check_paths(const Reading& reading, const Node& root);

}  // namespace forklift::config
