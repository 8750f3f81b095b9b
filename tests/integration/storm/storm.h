// All faults at once: clients and plugins that misbehave, workers that are killed, stopped and recycled, a machine that
// has no descriptors, processes or room for messages, logs that are rotated under it, and reloads, some of which fail.
#pragma once

#include <chrono>

namespace harness {

// Failures go to GoogleTest. Beside the storm a second app is asked all the time, and has to answer.
void weather_a_storm(std::chrono::seconds length);

}  // namespace harness
