// For tests that are a crowd of clients.
#pragma once

#include <sys/resource.h>

namespace harness {

// As many as this process may have.
inline void allow_many_descriptors() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace harness
