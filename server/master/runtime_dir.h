// The folder for what a running server keeps on disk.
#pragma once

#include <string>

#include "base/result.h"

namespace forklift::master {

class RuntimeDir {
 public:
  // Makes the folder `path` with mode 0700, and the folders above it where they are missing. One that exists must be a folder of
  // this user, which nobody else may write to.
  static Result<RuntimeDir> make(const std::string& path);

  RuntimeDir(RuntimeDir&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  RuntimeDir& operator=(RuntimeDir&&) = delete;
  // Removes the folder if it is empty.
  ~RuntimeDir();

  const std::string& path() const { return path_; }

 private:
  explicit RuntimeDir(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

}  // namespace forklift::master
