#include "worker/confine.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <vector>

#include "base/signals.h"
#include "base/unique_fd.h"

namespace forklift::worker {

namespace {

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

}  // namespace

Result<void> let_go(std::span<const int> keep) {
  if (auto closed = close_all_but(keep); !closed) return closed;
  UniqueFd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (!null) return fail_errno("open /dev/null");
  if (::dup2(null.get(), STDIN_FILENO) < 0) return fail_errno("dup2");
  // The master does the same; whoever comes second finds it done.
  if (::setpgid(0, 0) != 0) return fail_errno("setpgid");
  restore_signals();
  return {};
}

Result<void> confine(const rlimit& descriptors) {
  if (::setrlimit(RLIMIT_NOFILE, &descriptors) != 0) return fail_errno("setrlimit(RLIMIT_NOFILE)");
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return fail_errno("prctl(PR_SET_NO_NEW_PRIVS)");
  return {};
}

}  // namespace forklift::worker
