// The scoreboard as the commands get it: what the server, its apps and their workers are doing now.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/wall_clock.h"
#include "master/app.h"
#include "master/doors.h"
#include "master/reloads.h"

namespace forklift::master {

// What is said of the server as a whole.
struct ServerFacts {
  std::string_view version;
  WallTime since;
  std::string_view state;        // starting, running, stopping
  std::string_view config;       // the file
  std::string_view last_reload;  // how it went, as JSON; empty: there was none
};

// The document: JSON, one line, valid whatever clients and plugins have written. No worker is asked: what is said of
// requests comes from the shared pages.
std::string describe_status(const ServerFacts& facts, const std::vector<std::unique_ptr<App>>& apps, const Doors& doors,
                            const Reloads& reloads);

}  // namespace forklift::master
