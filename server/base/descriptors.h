// What a new process keeps of the descriptors that it was born with.
#pragma once

#include <span>

#include "base/result.h"

namespace forklift {

// Closes every descriptor but 0, 1, 2 and those in `keep`.  [a process that was just forked]
Result<void> close_all_but(std::span<const int> keep);

}  // namespace forklift
