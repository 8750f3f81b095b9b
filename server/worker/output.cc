#include "worker/output.h"

#include <unistd.h>

#include <cassert>

namespace forklift::worker {

Result<void> redirect_output(int standard_output, int standard_error) {
  // dup2(2) of a descriptor to itself would leave it close-on-exec, and the second might find the first in its place.
  assert(standard_output > STDERR_FILENO && standard_error > STDERR_FILENO);
  if (::dup2(standard_output, STDOUT_FILENO) < 0) return fail_errno("dup2 of standard output");
  if (::dup2(standard_error, STDERR_FILENO) < 0) return fail_errno("dup2 of standard error");
  return {};
}

}  // namespace forklift::worker
