#include "plugin/open_file.h"

#include <dlfcn.h>

#include <filesystem>
#include <string_view>

#include "base/quote.h"
#include "plugin/elf.h"
#include "plugin/library.h"
#include "plugin/regular_file.h"

namespace forklift::plugin {
namespace {

constexpr std::size_t kLoaderReasonBytesMax = 2000;

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
  void* handle = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle != nullptr) return handle;
  const char* reason = ::dlerror();
  std::string_view text = reason == nullptr ? "the loader gives no reason" : reason;
  if (text.starts_with(path + ": ")) text.remove_prefix(path.size() + 2);
  return fail("{}: {}", plugin_path, escape(text.substr(0, kLoaderReasonBytesMax)));
}

}  // namespace forklift::plugin
