// A file with the number of the process that holds it. What says that somebody holds it is the lock, and not what is
// written in it: the kernel ends a lock with its process, so what a killed server leaves behind is no obstacle.
#pragma once

#include <sys/types.h>

#include <string>
#include <utility>

#include "base/result.h"
#include "base/unique_fd.h"

namespace forklift::master {

class PidFile {
 public:
  // Makes the file, or takes over one that nobody holds, if nothing or a number stands in it; locks it (flock(2)) and
  // writes this process's number. A symbolic link at `path` is refused, and so is all that is no file, or somebody
  // else's. One that is held gives the error `another server (pid N) TAKEN`.  [master]
  static Result<PidFile> write(const std::string& path, std::string_view taken);

  PidFile(PidFile&& other) noexcept : path_(std::exchange(other.path_, {})), fd_(std::move(other.fd_)) {}
  PidFile& operator=(PidFile&&) = delete;
  // Removes the file, if it is still this one that stands at its path.
  ~PidFile();

 private:
  PidFile(std::string path, UniqueFd fd) : path_(std::move(path)), fd_(std::move(fd)) {}

  std::string path_;
  UniqueFd fd_;  // holds the lock; a fork shares it, until it has closed its own descriptor
};

}  // namespace forklift::master
