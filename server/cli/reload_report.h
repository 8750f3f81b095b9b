// What a reload's events say, as people read it.
#pragma once

#include <string>

#include "cli/json.h"

namespace forklift::cli {

// `app "shop": generation 4: READY`
std::string describe_progress(const Json& event);

// A line for each app, and what there is to note. With what was wrong with the file, which is for standard error.
struct ReloadReport {
  bool ok = false;
  std::string text;
  std::string problems;
};
ReloadReport describe_finished(const Json& event);

}  // namespace forklift::cli
