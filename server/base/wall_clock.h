// Wall-clock time for people, always UTC; nothing is decided by it.
#pragma once

#include <chrono>
#include <string>

namespace forklift {

using WallTime = std::chrono::system_clock::time_point;

// Appends `2026-11-25T10:00:00.123Z`.
void append_iso_time(std::string& out, WallTime time);

// Appends `25/Nov/2026:10:00:00 +0000`, as the common log format of web servers has it.
void append_clf_time(std::string& out, WallTime time);

}  // namespace forklift
