#include "master/runtime_dir.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "machine/runtime_path.h"

namespace forklift::master {

namespace {

Result<void> make_folder(const std::string& path, mode_t mode, std::vector<std::string>& made) {
  if (::mkdir(path.c_str(), mode) == 0) {
    made.push_back(path);
    if (::chmod(path.c_str(), mode) != 0) return fail_errno(fmt::format("chmod {}", path));  // whatever the umask
  } else if (errno != EEXIST) {
    return fail_errno(fmt::format("mkdir {}", path));
  }
  return {};
}

// Folders that are missing on the way are open to others, as mkdir(1) makes them: what listens in /run/forklift is for
// the front server.
Result<void> make_parents(const std::string& path, std::vector<std::string>& made) {
  for (std::size_t slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1)) {
    const std::string parent = path.substr(0, slash);
    if (auto folder = make_folder(parent, 0755, made); !folder) return folder;
    if (auto checked = machine::check_runtime_parent(parent); !checked) return checked;
  }
  return {};
}

Result<void> make_own(const std::string& path, std::vector<std::string>& made) {
  if (auto parents = make_parents(path, made); !parents) return parents;
  if (auto folder = make_folder(path, 0700, made); !folder) return folder;
  return machine::check_runtime_folder(path);
}

}  // namespace

Result<RuntimeDir> RuntimeDir::make(const std::string& given) {
  RuntimeDir folder;
  // With a slash at its end, lstat(2) would follow a symbolic link.
  folder.path_ = given;
  while (folder.path_.size() > 1 && folder.path_.ends_with('/')) folder.path_.pop_back();
  if (auto made = make_own(folder.path_, folder.made_); !made) return Failure(made.error().in("runtime_dir"));
  return folder;
}

RuntimeDir::~RuntimeDir() {
  while (!made_.empty()) {
    ::rmdir(made_.back().c_str());
    made_.pop_back();
  }
}

}  // namespace forklift::master
