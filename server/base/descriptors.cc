#include "base/descriptors.h"

#include <unistd.h>

#include <algorithm>
#include <climits>
#include <vector>

namespace forklift {

Result<void> close_all_but(std::span<const int> keep) {
  std::vector<int> kept = {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO};
  kept.insert(kept.end(), keep.begin(), keep.end());
  std::sort(kept.begin(), kept.end());
  unsigned first = 0;
  for (int fd : kept) {
    const auto next = static_cast<unsigned>(fd);
    if (next > first && ::close_range(first, next - 1, 0) != 0) return fail_errno("close_range");
    first = std::max(first, next + 1);
  }
  if (::close_range(first, UINT_MAX, 0) != 0) return fail_errno("close_range");
  return {};
}

}  // namespace forklift
