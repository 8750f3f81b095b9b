// A folder with what a test needs of programs, links and pipes; gone at the end.
#pragma once

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>

namespace cgi {

class Folder {
 public:
  Folder() {
    std::string name = std::filesystem::temp_directory_path() / "cgi-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
    path_ = std::filesystem::canonical(name);
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  std::string operator/(std::string_view name) const { return path_ + "/" + std::string(name); }
  const std::string& path() const { return path_; }

  // Folders on the way are made.
  std::string add(std::string_view name, std::string_view text, mode_t mode = 0755) const {
    const std::string file = *this / name;
    std::filesystem::create_directories(std::filesystem::path(file).parent_path());
    std::ofstream(file) << text;
    ::chmod(file.c_str(), mode);
    return file;
  }
  void link(std::string_view name, const std::string& to) const { std::filesystem::create_symlink(to, *this / name); }

 private:
  std::string path_;
};

}  // namespace cgi
