// The kill test: whatever happens to a worker, and whenever, its client gets exactly one correct outcome, the next
// request succeeds, and nothing is left behind. Failures go to GoogleTest.
#pragma once

#include "harness/site.h"

namespace harness {

// Each of all_deaths() `times` times, by four clients at once.
void die_at_every_point(Road road, int times);

// A worker is stopped while idle; a request is lent to it, and it dies before it can take it: `times` times of SIGKILL,
// SIGSEGV and SIGABRT. The request costs nothing: another worker answers it.
void die_before_take(Road road, int times);

}  // namespace harness
