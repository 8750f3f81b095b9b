#include "config/source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/retry.h"
#include "base/unique_fd.h"
#include "config/document.h"

namespace forklift::config {

Result<std::string> read_source(const std::string& path) {
  // O_NONBLOCK: to open a FIFO would wait for somebody to write.
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd) return fail_errno("cannot be opened");
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) return fail_errno("cannot be examined");
  if (S_ISDIR(status.st_mode)) return fail("is a directory; name the YAML file in it");
  if (!S_ISREG(status.st_mode)) return fail("is not a regular file");

  // One byte more than allowed is enough for the parser to refuse it, whatever the size is by then.
  std::string text(std::min(static_cast<std::size_t>(status.st_size), kFileBytesMax) + 1, '\0');
  std::size_t filled = 0;
  while (filled < text.size()) {
    const ssize_t n = retry_interrupted([&] { return ::read(fd.get(), text.data() + filled, text.size() - filled); });
    if (n < 0) return fail_errno("cannot be read");
    if (n == 0) break;
    filled += static_cast<std::size_t>(n);
  }
  text.resize(filled);
  return text;
}

}  // namespace forklift::config
