// What commands say to whoever has called them.
#pragma once

#include <string_view>

namespace forklift::cli {

// Writes `text` to standard error. Where that takes nothing there is nobody to be told.  [command]
void complain(std::string_view text) noexcept;

// Writes `text` to standard output, and all that waits there. Returns kOk, or complains and returns kFailed: a script
// that gets half of it is not to take that for the whole.  [command]
int tell(std::string_view text) noexcept;

}  // namespace forklift::cli
