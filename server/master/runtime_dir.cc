#include "master/runtime_dir.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace forklift::master {

namespace {

// A folder on the way: whoever could rename what is in it could put another folder in our place.
Result<void> check_parent(const std::string& path) {
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

Result<void> make_folder(const std::string& path, std::vector<std::string>& made) {
  if (::mkdir(path.c_str(), 0700) == 0) {
    made.push_back(path);
  } else if (errno != EEXIST) {
    return fail_errno(fmt::format("mkdir {}", path));
  }
  return {};
}

// Folders that are missing on the way are made for this user alone.
Result<void> make_parents(const std::string& path, std::vector<std::string>& made) {
  for (std::size_t slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1)) {
    const std::string parent = path.substr(0, slash);
    if (auto folder = make_folder(parent, made); !folder) return folder;
    if (auto checked = check_parent(parent); !checked) return checked;
  }
  return {};
}

Result<void> make_own(const std::string& path, std::vector<std::string>& made) {
  if (auto parents = make_parents(path, made); !parents) return parents;
  if (auto folder = make_folder(path, made); !folder) return folder;
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

}  // namespace

Result<RuntimeDir> RuntimeDir::make(const std::string& given) {
  RuntimeDir folder;
  // With a slash at its end, lstat(2) would follow a symbolic link.
  folder.path_ = given;
  while (folder.path_.size() > 1 && folder.path_.ends_with('/')) folder.path_.pop_back();
  if (auto made = make_own(folder.path_, folder.made_); !made) return Failure(made.error().in("runtime_dir"));
  return folder;
}

RuntimeDir::~RuntimeDir() {
  while (!made_.empty()) {
    ::rmdir(made_.back().c_str());
    made_.pop_back();
  }
}

}  // namespace forklift::master
