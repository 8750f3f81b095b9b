// Where the loader would find the libraries of a plugin: looked up from the files alone, of which nothing is mapped or
// run, as ldd(1) would do. The names are what the plugin says, and only regular files are opened.
#pragma once

#include <string>
#include <vector>

#include "plugin/elf.h"

namespace forklift::plugin {

struct NeededLibrary {
  std::string name;         // as the plugin, or the library that needs it, names it: bytes from the file
  std::string path;         // where it is, without symbolic links; empty: nowhere
  bool is_systems = false;  // in one of the system's folders (loaded.h)
};

// An entry of DT_RUNPATH, with `origin` for $ORIGIN.
std::string expand_origin(std::string entry, const std::string& origin);

// The folders in which the loader looks last: those that `conf` and what it includes name, as ldconfig(8) has it, and
// the ones that are built in.
std::vector<std::string> loader_folders(const std::string& conf = "/etc/ld.so.conf");

// The libraries that the plugin at `plugin_path` needs, and those that libraries which are not the system's need in
// turn, each name once. As the loader does in a worker, which has no LD_LIBRARY_PATH: in the folders of the file's own
// DT_RUNPATH first, then in `folders`; what is for another machine than the plugin is passed over.
std::vector<NeededLibrary> find_libraries(const std::string& plugin_path, const ElfInfo& plugin,
                                          const std::vector<std::string>& folders);

}  // namespace forklift::plugin
