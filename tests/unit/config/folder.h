// Configurations that are files.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "reading.h"

namespace forklift::config {

// A folder that is gone after the test.
class Folder {
 public:
  Folder() {
    std::string name = std::filesystem::temp_directory_path() / "forklift-config-XXXXXX";
    path_ = std::filesystem::canonical(::mkdtemp(name.data()));
  }
  ~Folder() { std::filesystem::remove_all(path_); }

  std::string operator/(const std::string& name) const { return path_ / name; }

  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(path_ / name) << text;
    return path_ / name;
  }

 private:
  std::filesystem::path path_;
};

inline std::string verdict_on_file(const std::string& path) {
  const auto config = read_file(path);
  return config ? "fine" : show(config.error());
}

}  // namespace forklift::config
