#include "master/pid_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "base/retry.h"
#include "machine/pid_path.h"

namespace forklift::master {

namespace {

// How often the file may be removed by its last holder between our opening and locking it.
constexpr int kTries = 100;

bool is_at(const std::string& path, int fd) {
  struct stat here {};
  struct stat there {};
  return ::fstat(fd, &here) == 0 && ::lstat(path.c_str(), &there) == 0 && here.st_dev == there.st_dev &&
         here.st_ino == there.st_ino;
}

// ` (pid 123)`, or nothing where the file does not say it (yet).
std::string holder_of(int fd) {
  char text[20];
  const ssize_t n = ::pread(fd, text, sizeof text, 0);
  const std::string_view written(text, static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
  const std::string_view digits = written.substr(0, written.find_first_not_of("0123456789"));
  return digits.empty() ? "" : fmt::format(" (pid {})", digits);
}

Result<UniqueFd> open_file(const std::string& path) {
  // O_NONBLOCK: to open a FIFO would wait for somebody to read.
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0644));
  if (!fd && errno == ELOOP) return fail("{} is a symbolic link; remove it", path);
  if (!fd) return fail_errno(fmt::format("open {}", path));
  if (auto file = machine::check_pid_is_file(path, fd.get()); !file) return Failure(file.error());
  return fd;
}

Result<void> write_pid(int fd) {
  const std::string text = fmt::format("{}\n", ::getpid());
  if (::ftruncate(fd, 0) != 0) return fail_errno("truncate");
  const ssize_t n = ::pwrite(fd, text.data(), text.size(), 0);
  if (n < 0) return fail_errno("write");
  if (static_cast<std::size_t>(n) != text.size()) return fail_errno("write", ENOSPC);
  return {};
}

}  // namespace

Result<PidFile> PidFile::write(const std::string& path, std::string_view taken) {
  for (int i = 0; i < kTries; ++i) {
    auto fd = open_file(path);
    if (!fd) return Failure(fd.error());
    if (retry_interrupted([&] { return ::flock(fd->get(), LOCK_EX | LOCK_NB); }) != 0) {
      if (errno != EWOULDBLOCK) return fail_errno(fmt::format("lock {}", path));
      return Failure(Error(fmt::format("another server{} {}", holder_of(fd->get()), taken), EWOULDBLOCK));
    }
    if (!is_at(path, fd->get())) continue;  // its last holder has removed it meanwhile
    if (auto own = machine::check_pid_content(path, fd->get()); !own) return Failure(own.error());
    if (auto written = write_pid(fd->get()); !written) {
      ::unlink(path.c_str());
      return Failure(written.error().in(path));
    }
    return PidFile(path, std::move(*fd));
  }
  return fail("{} is removed again and again", path);
}

PidFile::~PidFile() {
  if (fd_ && is_at(path_, fd_.get())) ::unlink(path_.c_str());
}

}  // namespace forklift::master
