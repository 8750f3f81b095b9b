#include "plugin/needed.h"

#include <glob.h>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <optional>
#include <system_error>
#include <utility>

#include "base/replace.h"
#include "plugin/loaded.h"
#include "plugin/regular_file.h"

namespace forklift::plugin {
namespace {

namespace fs = std::filesystem;

// Beyond what anybody has: files that include or need one another end here.
constexpr int kIncludeDepthMax = 8;
constexpr std::size_t kFoldersMax = 1000;
constexpr std::size_t kLibrariesMax = 1000;
constexpr std::size_t kNameBytesMax = 8 * 1024 * 1024;  // of all that is still to be looked for

std::vector<std::string> files_like(const std::string& pattern) {
  std::vector<std::string> files;
  glob_t found{};
  if (::glob(pattern.c_str(), 0, nullptr, &found) == 0) {
    files.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  }
  ::globfree(&found);
  return files;
}

void add_folders(const std::string& conf, int depth, std::vector<std::string>& folders) {
  std::ifstream file(conf);
  for (std::string line; folders.size() < kFoldersMax && std::getline(file, line);) {
    line.resize(std::min(line.find('#'), line.size()));
    const std::size_t begin = std::min(line.find_first_not_of(" \t"), line.size());
    const std::size_t end = line.find_last_not_of(" \t\r") + 1;
    const std::string text = line.substr(begin, std::max(begin, end) - begin);
    if (text.starts_with("include ") || text.starts_with("include\t")) {
      const fs::path pattern = text.substr(text.find_first_not_of(" \t", 7));
      if (depth == kIncludeDepthMax) continue;
      for (const std::string& included : files_like(fs::path(conf).parent_path() / pattern)) {
        add_folders(included, depth + 1, folders);
      }
    } else if (text.starts_with('/')) {
      folders.push_back(text);
    }
  }
}

struct Candidate {
  std::string path;
  ElfInfo info;
};

// The library at `path`, if there is one and it is for `machine`.
std::optional<Candidate> look_at(const std::string& path, const std::string& machine) {
  const auto file = open_regular_file(path);
  if (!file) return std::nullopt;
  auto info = read_elf(file->get());
  if (!info || info->machine != machine) return std::nullopt;
  return Candidate{path, std::move(*info)};
}

std::optional<Candidate> find(const std::string& name, const Candidate& by, const std::vector<std::string>& folders) {
  const std::string origin = fs::absolute(by.path).parent_path();
  if (name.find('/') != name.npos) return look_at(expand_origin(name, origin), by.info.machine);
  for (const std::string& entry : by.info.runpath) {
    if (auto found = look_at(expand_origin(entry, origin) + "/" + name, by.info.machine)) return found;
  }
  for (const std::string& folder : folders) {
    if (auto found = look_at(folder + "/" + name, by.info.machine)) return found;
  }
  return std::nullopt;
}

}  // namespace

std::string expand_origin(std::string entry, const std::string& origin) {
  replace_all(entry, "${ORIGIN}", origin);
  replace_all(entry, "$ORIGIN", origin);
  return entry;
}

std::vector<std::string> loader_folders(const std::string& conf) {
  std::vector<std::string> folders;
  add_folders(conf, 0, folders);
  for (const char* built_in : {"/lib64", "/usr/lib64", "/lib", "/usr/lib"}) folders.emplace_back(built_in);
  return folders;
}

std::vector<NeededLibrary> find_libraries(const std::string& plugin_path, const ElfInfo& plugin,
                                          const std::vector<std::string>& folders) {
  std::vector<NeededLibrary> libraries;
  std::vector<Candidate> open{{plugin_path, plugin}};
  std::size_t name_bytes = 0;
  for (std::size_t i = 0; i < open.size(); ++i) {
    const Candidate candidate = std::move(open[i]);
    for (const std::string& name : candidate.info.needed) {
      if (std::ranges::find(libraries, name, &NeededLibrary::name) != libraries.end()) continue;
      if (libraries.size() == kLibrariesMax) return libraries;
      NeededLibrary& library = libraries.emplace_back(NeededLibrary{.name = name, .path = {}});
      auto found = find(name, candidate, folders);
      if (!found) continue;
      std::error_code error;
      const fs::path real = fs::canonical(found->path, error);
      library.path = error ? found->path : real.string();
      library.is_systems = is_systems(library.path);
      if (library.is_systems) continue;
      for (const std::string& each : found->info.needed) name_bytes += each.size();
      if (name_bytes > kNameBytesMax) return libraries;
      open.push_back(std::move(*found));
    }
  }
  return libraries;
}

}  // namespace forklift::plugin
