// How long requests took.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/clock.h"

namespace forklift::cli {

// `1000 requests, 2 failed: min 0.021 ms, median 0.025 ms, p99 0.094 ms, max 1.254 ms; 38000 requests/s`, where the
// last is for one after the other, without what is between them. `times` is not empty; the value at a rank is one of
// them (nearest rank).
std::string summarise(std::vector<Duration> times, std::size_t failed);

}  // namespace forklift::cli
