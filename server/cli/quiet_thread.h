// A thread beside the one that runs a plugin.
#pragma once

#include <functional>
#include <thread>

namespace forklift::cli {

// Starts a thread in which no signal is handled.
std::thread start_quiet_thread(std::function<void()> work);

}  // namespace forklift::cli
