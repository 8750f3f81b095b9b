#include "base/code_path.h"

#include <string_view>

#include "base/path_walk.h"

namespace forklift {

namespace {

Result<void> check_way_of_code(const Waypoint& at) {
  const mode_t mode = at.status.st_mode;
  if (S_ISLNK(mode) || !is_open_to_others(at.status)) return {};
  // Whoever may write to a sticky folder can add to it, and that is all.
  if (S_ISDIR(mode) && (mode & S_ISVTX)) return {};
  const std::string_view whom = mode & S_IWOTH ? "everybody" : "its group";
  if (S_ISDIR(mode)) {
    return fail(
        "{} may write to the folder {} and put another plugin in its place, which a server that runs as root does "
        "not allow; chmod go-w {}",
        whom, at.path, at.path);
  }
  return fail("{} may write to {}, which a server that runs as root does not allow; chmod go-w {}", whom, at.path,
              at.path);
}

}  // namespace

Result<void> check_code_path(const std::string& path) {
  const auto end = walk(path, check_way_of_code);
  return end || end.error().code() != 0 ? Result<void>{} : Failure(end.error());
}

}  // namespace forklift
