#include "base/append_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>

namespace forklift {

Result<UniqueFd> open_append_file(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640));
  if (fd) return fd;
  // What open(2) says of a FIFO without a reader, a socket and a missing device.
  const char* hint = errno == ENXIO ? " (if it is a FIFO, start its reader first)" : "";
  return fail_errno(fmt::format("open {}{}", path, hint));
}

bool is_same_file(int a, int b) {
  struct stat first {};
  struct stat second {};
  if (::fstat(a, &first) != 0 || ::fstat(b, &second) != 0) return false;
  return first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

}  // namespace forklift
