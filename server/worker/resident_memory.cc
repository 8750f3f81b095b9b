#include "worker/resident_memory.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>

namespace forklift::worker {

std::uint64_t ResidentMemory::bytes() {
  if (!statm_) statm_.reset(::open("/proc/self/statm", O_RDONLY | O_CLOEXEC));
  char text[128];
  const ssize_t n = statm_ ? ::pread(statm_.get(), text, sizeof text - 1, 0) : -1;
  if (n <= 0) return 0;
  text[n] = '\0';
  unsigned long pages = 0;
  if (std::sscanf(text, "%*u %lu", &pages) != 1) return 0;
  return pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace forklift::worker
