#include "machine/plugin_path.h"

#include <sys/stat.h>

#include <climits>
#include <deque>
#include <filesystem>
#include <system_error>

namespace forklift::machine {

namespace {

namespace fs = std::filesystem;

constexpr int kLinksMax = 40;  // as the kernel has it: path_resolution(7)

Result<void> check_one(const std::string& path, const struct stat& status) {
  const bool is_folder = S_ISDIR(status.st_mode);
  if (S_ISLNK(status.st_mode) || !(status.st_mode & (S_IWGRP | S_IWOTH))) return {};
  // Whoever may write to a sticky folder can add to it, and that is all.
  if (is_folder && (status.st_mode & S_ISVTX)) return {};
  const std::string_view whom = status.st_mode & S_IWOTH ? "everybody" : "its group";
  if (is_folder) {
    return fail(
        "{} may write to the folder {} and put another plugin in its place, which a server that runs as root does "
        "not allow; chmod go-w {}",
        whom, path, path);
  }
  return fail("{} may write to {}, which a server that runs as root does not allow; chmod go-w {}", whom, path, path);
}

// The steps of a path that are still to be taken.
using Steps = std::deque<fs::path>;

void put_in_front(Steps& steps, const fs::path& path) {
  const fs::path relative = path.relative_path();
  steps.insert(steps.begin(), relative.begin(), relative.end());
}

}  // namespace

// As the kernel goes, so that every folder is seen that decides where the path leads.
Result<void> check_plugin_path(const std::string& path) {
  Steps steps;
  put_in_front(steps, path);
  fs::path at = "/";
  int links = 0;
  while (true) {
    struct stat status {};
    if (::lstat(at.c_str(), &status) != 0) return {};
    if (auto safe = check_one(at.string(), status); !safe) return safe;
    if (S_ISLNK(status.st_mode)) {
      std::error_code error;
      const fs::path target = fs::read_symlink(at, error);
      if (error || ++links > kLinksMax) return {};
      put_in_front(steps, target);
      at = target.is_absolute() ? fs::path("/") : at.parent_path();
      if (target.is_absolute()) continue;
    }
    while (!steps.empty() && (steps.front() == "." || steps.front() == ".." || steps.front().empty())) {
      if (steps.front() == "..") at = at.parent_path();
      steps.pop_front();
    }
    if (steps.empty()) return {};
    at /= steps.front();
    steps.pop_front();
  }
}

}  // namespace forklift::machine
