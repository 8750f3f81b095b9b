#include "plugin/open_file.h"

#include <filesystem>

#include "plugin/elf.h"
#include "plugin/library.h"
#include "plugin/regular_file.h"

namespace forklift::plugin {
namespace {

Result<void> look_at(const std::string& path) {
  const auto file = open_regular_file(path);
  if (!file) return Failure(file.error());
  if (auto complete = check_complete(file->get()); !complete) return fail("{} {}", path, complete.error().message());
  return check_note(file->get());
}

}  // namespace

Result<void*> open_file(const std::string& plugin_path) {
  if (auto looks_good = look_at(plugin_path); !looks_good) return Failure(looks_good.error());
  // A name without a slash would be looked for in the system's folders.
  const std::string path = std::filesystem::absolute(plugin_path);
  return open_library(path, plugin_path);
}

}  // namespace forklift::plugin
