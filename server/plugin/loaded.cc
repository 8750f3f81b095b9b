#include "plugin/loaded.h"

#include <link.h>

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <system_error>

namespace forklift::plugin {

namespace {

namespace fs = std::filesystem;

// As the loader is built (ld.so(8)), with the folders of a machine's other ABIs.
constexpr std::string_view kSystemFolders[] = {"/lib/",     "/lib32/",     "/lib64/",     "/libx32/",
                                               "/usr/lib/", "/usr/lib32/", "/usr/lib64/", "/usr/libx32/"};

int add_library(dl_phdr_info* info, std::size_t, void* list) {
  // The program has no name, and the kernel's vDSO has one without a folder.
  const std::string_view name = info->dlpi_name;
  if (name.find('/') != name.npos) static_cast<std::vector<std::string>*>(list)->emplace_back(name);
  return 0;
}

}  // namespace

std::vector<std::string> loaded_libraries() {
  std::vector<std::string> libraries;
  ::dl_iterate_phdr(add_library, &libraries);
  return libraries;
}

bool is_systems(const std::string& path) {
  return std::ranges::any_of(kSystemFolders, [&](std::string_view folder) { return path.starts_with(folder); });
}

std::vector<std::string> foreign_libraries(const std::vector<std::string>& before) {
  std::vector<std::string> foreign;
  for (const std::string& library : loaded_libraries()) {
    // An image is opened through /proc.
    if (library.starts_with("/proc/") || std::ranges::find(before, library) != before.end()) continue;
    std::error_code error;
    const fs::path real = fs::canonical(library, error);
    const std::string path = error ? library : real.string();
    if (!is_systems(path)) foreign.push_back(path);
  }
  return foreign;
}

}  // namespace forklift::plugin
