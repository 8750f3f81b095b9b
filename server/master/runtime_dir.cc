#include "master/runtime_dir.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace forklift::master {

namespace {

// Folders on the way are made for this user alone too: below /tmp nobody else may put something in their place.
Result<void> make_parents(const std::string& path) {
  for (std::size_t slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1)) {
    const std::string parent = path.substr(0, slash);
    if (::mkdir(parent.c_str(), 0700) != 0 && errno != EEXIST) return fail_errno(fmt::format("mkdir {}", parent));
  }
  return {};
}

}  // namespace

Result<RuntimeDir> RuntimeDir::make(const std::string& path) {
  if (auto parents = make_parents(path); !parents) return Failure(parents.error().in("runtime_dir"));
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return fail_errno(fmt::format("runtime_dir: mkdir {}", path));
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) return fail_errno(fmt::format("runtime_dir: lstat {}", path));
  if (!S_ISDIR(status.st_mode)) return fail("runtime_dir: {} is no folder", path);
  if (status.st_uid != ::geteuid()) {
    return fail("runtime_dir: {} belongs to user {} and this server runs as user {}; remove it or name another one", path,
                status.st_uid, ::geteuid());
  }
  if (status.st_mode & (S_IWGRP | S_IWOTH)) {
    return fail("runtime_dir: others may write to {}; chmod it to 0700 or name another one", path);
  }
  return RuntimeDir(path);
}

RuntimeDir::~RuntimeDir() {
  if (!path_.empty()) ::rmdir(path_.c_str());
}

}  // namespace forklift::master
