// One load of an app's configuration and image, and the number by which logs know it.
#pragma once

#include <cstdint>

#include "base/identity.h"
#include "base/unique_fd.h"
#include "config/config.h"

namespace forklift::master {

// Shared by the workers born of it, and by the app while it is the current one. Neither its configuration nor its image
// ever changes.
struct Generation {
  std::uint64_t number = 0;  // counted from 1 for each app, given when the load starts, never used again
  config::App config;
  Identity identity;    // who its workers are
  UniqueFd image;       // empty until its first worker is IMAGED
  bool proved = false;  // one of its workers has been READY
};

}  // namespace forklift::master
