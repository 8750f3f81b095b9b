#include "base/append_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/path_walk.h"

namespace forklift {

namespace {

constexpr int kFlags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
constexpr mode_t kMode = 0640;

[[nodiscard]] Failure refuse(std::string_view why, std::string_view cure) {
  return fail(
      "{}; a server that runs as root writes a log only where nobody else decides what that is: {}, or write a path "
      "whose folders are root's alone",
      why, cure);
}

Result<void> check_folder(const std::string& path, const struct stat& status) {
  constexpr std::string_view kDanger = "could put a link to any file in the log's place";
  if (status.st_uid != 0) {
    return refuse(fmt::format("the folder {} is user {}'s, who {}", path, status.st_uid, kDanger),
                  fmt::format("chown root {}", path));
  }
  // Ubuntu's /var/log is its group's, too: as in a sticky folder, there what stands in it is looked at.
  if (!(status.st_mode & S_IWOTH) || (status.st_mode & S_ISVTX)) return {};
  return refuse(fmt::format("everybody may write to the folder {}, and {}", path, kDanger),
                fmt::format("chmod o-w {}", path));
}

// A link there may be anybody's, and so may another name of a file.
Result<void> check_in_shared_folder(const std::string& path, const struct stat& status) {
  const bool has_names = S_ISREG(status.st_mode) && status.st_nlink > 1;
  if (status.st_uid == 0 && !has_names) return {};
  const std::string whose = status.st_uid == 0 ? "has another name, too" : fmt::format("is user {}'s", status.st_uid);
  return refuse(fmt::format("{} {}, in a folder to which others may write", path, whose), "remove it");
}

// Nobody but root decides where a log of root's goes.
Result<void> check_way_of_log(const Waypoint& at) {
  if (S_ISDIR(at.status.st_mode)) return check_folder(at.path, at.status);
  return is_open_to_others(at.folder) ? check_in_shared_folder(at.path, at.status) : Result<void>{};
}

// What open(2) says of a FIFO without a reader, a socket and a missing device.
Failure not_opened(const std::string& path, int code) {
  const char* hint = code == ENXIO ? " (if it is a FIFO, start its reader first)" : "";
  return fail_errno(fmt::format("open {}{}", path, hint), code);
}

Result<UniqueFd> open_as_root(const std::string& path) {
  const auto end = walk(path, check_way_of_log);
  if (!end) return end.error().code() == 0 ? Failure(end.error()) : not_opened(path, end.error().code());
  const int flags = end->is_opened ? kFlags : kFlags | O_NOFOLLOW;
  UniqueFd fd(::openat(end->folder.get(), end->name.c_str(), flags, kMode));
  struct stat status {};
  if (!fd || ::fstat(fd.get(), &status) != 0) return not_opened(path, errno);
  // It may have come since.
  if (!end->is_opened) {
    if (auto good = check_way_of_log({end->path, status, end->status}); !good) return Failure(good.error());
  }
  return fd;
}

}  // namespace

Result<UniqueFd> open_append_file(const std::string& path) {
  if (::geteuid() == 0) return open_as_root(path);
  UniqueFd fd(::open(path.c_str(), kFlags, kMode));
  return fd ? Result<UniqueFd>(std::move(fd)) : not_opened(path, errno);
}

Result<void> check_append_path(const std::string& path) {
  if (::geteuid() != 0) return {};
  const auto end = walk(path, check_way_of_log);
  return end || end.error().code() != 0 ? Result<void>{} : Failure(end.error());
}

bool is_same_file(int a, int b) {
  struct stat first {};
  struct stat second {};
  if (::fstat(a, &first) != 0 || ::fstat(b, &second) != 0) return false;
  return first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

}  // namespace forklift
