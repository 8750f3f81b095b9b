// How much memory this process occupies.
#pragma once

#include <cstdint>

#include "base/unique_fd.h"

namespace forklift::worker {

class ResidentMemory {
 public:
  // The resident set in bytes (statm in proc(5)); 0 where nobody knows. The file stays open from the first call on.
  std::uint64_t bytes();

 private:
  UniqueFd statm_;
};

}  // namespace forklift::worker
