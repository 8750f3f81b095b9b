// The command line of `forklift call`.
#pragma once

#include <cstdint>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "cli/arguments.h"
#include "cli/call_request.h"
#include "config/settings.h"

namespace forklift::cli {

struct CallOptions {
  std::string plugin;  // the file
  CallRequest request;
  config::Settings settings;
  bool include = false;
  std::uint64_t repeat = 1;
  Duration timeout{};  // 0 = off
};

// Reads the files that it names, and standard input where it is named. The error has a line for each thing that is
// wrong.
Result<CallOptions> read_call(const Arguments& arguments);

}  // namespace forklift::cli
