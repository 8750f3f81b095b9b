#include "machine/pid_path.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string_view>

#include "base/unique_fd.h"

namespace forklift::machine {

namespace {

Failure no_file(const std::string& path) {
  return fail("{} is no file; remove it", path);
}

}  // namespace

Result<void> check_pid_is_file(const std::string& path, int fd) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) return fail_errno(fmt::format("stat {}", path));
  if (!S_ISREG(status.st_mode)) return no_file(path);
  return {};
}

Result<void> check_pid_content(const std::string& path, int fd) {
  char text[64];
  const ssize_t n = ::pread(fd, text, sizeof text, 0);
  const std::string_view written(text, static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
  const bool is_pid =
      n < static_cast<ssize_t>(sizeof text) && written.find_first_not_of("0123456789\n") == written.npos;
  if (is_pid) return {};
  return fail("{} holds something else than a pid; write another path, or remove that file", path);
}

Result<void> check_pid_path(const std::string& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) return {};
  if (S_ISLNK(status.st_mode)) return fail("{} is a symbolic link; remove it", path);
  if (!S_ISREG(status.st_mode)) return no_file(path);  // not opened: at a FIFO, somebody may wait for that
  const UniqueFd fd(::open(path.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd) return errno == ENOENT ? Result<void>{} : fail_errno(fmt::format("open {}", path));
  return check_pid_content(path, fd.get());
}

}  // namespace forklift::machine
