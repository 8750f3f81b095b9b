// The way of a path through folders and symbolic links: whoever may change one of them decides where it leads.
#pragma once

#include <sys/stat.h>

#include <functional>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace forklift {

// Whether others than its owner may write to a file, or add to a folder.
inline bool is_open_to_others(const struct stat& status) {
  return (status.st_mode & (S_IWGRP | S_IWOTH)) != 0;
}

// What a way comes by: `path` without links, and what stands there. `folder` is in what.
struct Waypoint {
  const std::string& path;
  const struct stat& status;
  const struct stat& folder;
};

// Where a way ends: `name` in `folder` (O_PATH), which is no link, or is not there yet. `is_opened`: it is one of the
// kernel's own, to a file that this process has open (/dev/stderr).
struct WayEnd {
  UniqueFd folder;
  std::string name;
  std::string path;
  struct stat status {};  // of the folder
  bool is_opened = false;
};

// Goes as the kernel goes (path_resolution(7)), name by name, from the root folder on, and asks `judge` of each folder,
// of each link, and of what stands at the end. What has been judged cannot be exchanged behind it: whoever opens the
// end in that folder, and follows no link there, has taken this way and no other. `path` is absolute.
//
// Fails as `judge` does, with an error without a code; or as open(2) would for the path, with one.
Result<WayEnd> walk(const std::string& path, const std::function<Result<void>(const Waypoint&)>& judge);

}  // namespace forklift
