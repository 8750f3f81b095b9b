#include "machine/runtime_path.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "config/paths.h"

namespace forklift::machine {

namespace {

bool exists(const std::string& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0 || errno != ENOENT;
}

// Where the first folder that is missing would be made.
Result<void> check_may_make_in(const std::string& folder) {
  if (::faccessat(AT_FDCWD, folder.c_str(), W_OK | X_OK, AT_EACCESS) == 0) return {};
  return fail("this user may make no folder in {}", folder);
}

Result<void> check_link(const std::string& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) return fail_errno(fmt::format("lstat {}", path));
  if (!S_ISLNK(status.st_mode) || status.st_uid == 0 || status.st_uid == ::geteuid()) return {};
  return fail("{} is a link of user {}, who could lead it elsewhere; name another folder", path, status.st_uid);
}

// `path` as it is, and not what lies above it.
Result<void> check_one(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return fail_errno(fmt::format("stat {}", path));
  if (status.st_uid != 0 && status.st_uid != ::geteuid()) {
    return fail("{} belongs to user {}, who could replace what is in it; name another folder", path, status.st_uid);
  }
  if ((status.st_mode & (S_IWGRP | S_IWOTH)) && !(status.st_mode & S_ISVTX)) {
    return fail("others may write to {}, and could replace what is in it; name another folder", path);
  }
  return {};
}

}  // namespace

Result<void> check_runtime_parent(const std::string& path) {
  if (auto link = check_link(path); !link) return link;
  if (auto checked = check_one(path); !checked) return checked;
  const std::string real = config::real_path(path);
  if (real == path) return {};
  // Where a link leads to, there are folders above that the path does not name.
  for (std::size_t slash = real.find('/', 1); slash != std::string::npos; slash = real.find('/', slash + 1)) {
    if (auto checked = check_one(real.substr(0, slash)); !checked) return checked;
  }
  return {};
}

Result<void> check_runtime_folder(const std::string& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) return fail_errno(fmt::format("lstat {}", path));
  if (!S_ISDIR(status.st_mode)) return fail("{} is no folder", path);
  if (status.st_uid != ::geteuid()) {
    return fail("{} belongs to user {} and this server runs as user {}; remove it or name another one", path,
                status.st_uid, ::geteuid());
  }
  if (status.st_mode & (S_IWGRP | S_IWOTH)) {
    return fail("others may write to {}; chmod it to 0700 or name another one", path);
  }
  return {};
}

Result<void> check_runtime_dir(std::string path) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  std::string above = "/";
  for (std::size_t slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1)) {
    const std::string parent = path.substr(0, slash);
    if (!exists(parent)) return check_may_make_in(above);
    if (auto checked = check_runtime_parent(parent); !checked) return checked;
    above = parent;
  }
  return exists(path) ? check_runtime_folder(path) : check_may_make_in(above);
}

}  // namespace forklift::machine
