// All faults at once: clients and plugins that misbehave, workers that are killed, stopped and recycled, a machine that
// has no descriptors, processes, disk or room for messages, a master that stands still, a wall clock that steps, logs
// that are rotated, and reloads, some of which fail.
#pragma once

#include <chrono>

namespace harness {

// Failures go to GoogleTest. Beside the storm a second app is asked all the time, and has to answer. What happens is
// drawn from --gtest_random_seed, or from a seed that is printed.
void weather_a_storm(std::chrono::seconds length);

}  // namespace harness
