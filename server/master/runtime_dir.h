// The folder for what a running server keeps on disk.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace forklift::master {

class RuntimeDir {
 public:
  // Makes the folder `path` with mode 0700, and the folders above it where they are missing. One that exists must be a
  // folder of this user, which nobody else may write to; those above it, root's or this user's, and sticky where others
  // may write.
  static Result<RuntimeDir> make(const std::string& path);

  RuntimeDir(RuntimeDir&& other) noexcept
      : path_(std::exchange(other.path_, {})), made_(std::exchange(other.made_, {})) {}
  RuntimeDir& operator=(RuntimeDir&&) = delete;
  // Removes the folders that make() has made, as far as they are empty. One that was there before, somebody else looks
  // after.
  ~RuntimeDir();

  const std::string& path() const { return path_; }

 private:
  RuntimeDir() = default;

  std::string path_;
  std::vector<std::string> made_;  // from the top down
};

}  // namespace forklift::master
