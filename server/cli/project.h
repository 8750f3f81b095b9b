// What `forklift new` makes: the files of a plugin, from templates.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace forklift::cli {

struct ProjectFile {
  std::string path;  // in the project's folder
  std::string text;
};

// Whether a plugin, an app, a CMake target and a crate can have this name: [a-z][a-z0-9_-]*, at most 63 bytes, and none
// that CMake or Cargo has taken.
Result<void> check_project_name(std::string_view name);

// Those of `language`, which is `c`, `c++` or `rust`. In paths NAME stands for the name; in texts @NAME@ does,
// @IDENTIFIER@ for the name with _ for -, and @CLASS@ for it as a type is named, `my-shop` as MyShop.
std::vector<ProjectFile> project_files(std::string_view language, std::string_view name);

// Makes the folder `name` in the folder `directory`, all of it or nothing: another name until it is complete. Refused
// where there is something of that name. Returns the folder's path.
Result<std::string> make_project(const std::string& directory, const std::string& name,
                                 const std::vector<ProjectFile>& files);

}  // namespace forklift::cli
