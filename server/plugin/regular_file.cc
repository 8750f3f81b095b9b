#include "plugin/regular_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include "base/quote.h"

namespace forklift::plugin {

Result<UniqueFd> open_regular_file(const std::string& path) {
  const std::string shown = escape_controls(path);
  // O_PATH finds a file without opening it (open(2)).
  const UniqueFd found(::open(path.c_str(), O_PATH | O_CLOEXEC));
  struct stat status {};
  if (!found || ::fstat(found.get(), &status) != 0) return fail_errno(shown);
  if (!S_ISREG(status.st_mode)) return fail("{} is not a regular file", shown);
  // The same file, whatever the path names by now. (O_NONBLOCK: somebody may have a lease on it, fcntl(2).)
  const std::string same = fmt::format("/proc/self/fd/{}", found.get());
  UniqueFd file(::open(same.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file) return fail_errno(shown);
  return file;
}

}  // namespace forklift::plugin
