// How a reload went: for the log, the commands and the status.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "master/generation.h"

namespace forklift::master {

namespace outcome {
inline constexpr std::string_view kReloaded = "reloaded";
inline constexpr std::string_view kRestarted = "restarted";
inline constexpr std::string_view kAdded = "added";
inline constexpr std::string_view kRemoved = "removed";
inline constexpr std::string_view kFailed = "failed";
inline constexpr std::string_view kTakenBack = "taken back";  // by reload.probation
}  // namespace outcome

// What has become of one app.
struct AppReload {
  std::string app;
  std::string_view outcome;      // one of those above
  std::uint64_t generation = 0;  // that it runs now; 0: none
  std::string reason;            // failed, taken back: why
  PluginFacts plugin{};          // of that generation
};

struct ReloadResult {
  bool ok = false;  // nothing has failed, and nothing was taken back
  std::vector<AppReload> apps{};
  std::vector<std::string> problems{};  // why nothing has changed at all, such as findings of the configuration
  std::vector<std::string> notes{};     // what is only taken over by a restart, and what has failed and is no app's
};

}  // namespace forklift::master
