#include "plugin/library.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <filesystem>
#include <string_view>

#include "base/quote.h"
#include "base/replace.h"
#include "base/unique_fd.h"
#include "plugin/elf.h"
#include "plugin/needed.h"

namespace forklift::plugin {
namespace {

constexpr int kOpenFlags = RTLD_NOW | RTLD_LOCAL;
constexpr std::size_t kLoaderReasonBytesMax = 2000;
constexpr std::size_t kNameBytesMax = sizeof(forklift_note::name) - 1;
constexpr unsigned kMajorsMax = 20;

// What every descriptor has had since 1.0, and no more, however long the struct has grown since.
constexpr std::uint32_t kDescriptorBytesMin =
    offsetof(forklift_plugin, handle_connection) + sizeof(forklift_plugin::handle_connection);
constexpr std::uint32_t kDescriptorBytesMax = 4096;

// Fails unless the library in `fd` will be known, once it is open, by the name under which the plugin needs it.
Result<void> check_soname(int fd, const std::string& path, const std::string& needed) {
  auto info = read_elf(fd);
  if (!info) return fail("{} {}", path, info.error().message());
  if (!info->is_loadable) return fail("{} is for {}", path, info->machine);
  if (info->soname == needed) return {};
  return fail("{} has the SONAME {}; it has to be {}: link it with -Wl,-soname,{}", path, quote(info->soname),
              quote(needed), escape(needed));
}

Result<void> open_private_libraries(const ElfInfo& plugin, const std::string& plugin_path) {
  const std::string origin = std::filesystem::absolute(plugin_path).parent_path().string();
  for (const std::string& needed : plugin.needed) {
    if (needed.empty() || needed.find('/') != std::string::npos) continue;  // a path: not looked for in folders
    for (const std::string& entry : plugin.runpath) {
      const std::string folder = expand_origin(entry, origin);
      const std::string path = folder + "/" + needed;
      const UniqueFd library(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
      if (!library) continue;
      if (folder == entry) break;  // an ordinary folder comes first: the loader will find it there
      if (auto named = check_soname(library.get(), path, needed); !named) return named;
      if (auto handle = open_library(path, path); !handle) return Failure(handle.error());
      break;
    }
  }
  return {};
}

Result<const forklift_plugin*> call_entry(forklift_plugin_entry entry) {
  try {
    const forklift_plugin* plugin = entry();
    if (plugin == nullptr) return fail("the plugin's {}() returned NULL", FORKLIFT_ENTRY_SYMBOL);
    return plugin;
  } catch (...) {
    return fail("the plugin's {}() threw an exception", FORKLIFT_ENTRY_SYMBOL);
  }
}

Failure missing_entry(void* handle) {
  for (unsigned major = 0; major <= kMajorsMax; ++major) {
    const std::string other = fmt::format("forklift_plugin_v{}", major);
    if (::dlsym(handle, other.c_str()) == nullptr) continue;
    return fail("the plugin exports {}, but this server calls {}: build it with this server's forklift/plugin.h", other,
                FORKLIFT_ENTRY_SYMBOL);
  }
  return fail("the plugin exports no {}: does it use FORKLIFT_PLUGIN, and is the symbol visible?",
              FORKLIFT_ENTRY_SYMBOL);
}

Result<void> check_name(const char* name) {
  if (name == nullptr) return fail("the plugin's descriptor has no name");
  const std::string_view text(name, ::strnlen(name, kNameBytesMax + 1));
  const bool allowed = text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_-") == std::string_view::npos;
  if (text.empty() || text.size() > kNameBytesMax || !allowed) {
    return fail("the plugin's name {} is not 1 to {} characters of [a-z0-9_-]", quote(text), kNameBytesMax);
  }
  return {};
}

}  // namespace

Result<void> check_note(int image_fd) {
  const auto info = read_elf(image_fd);
  if (!info || !info->note) return {};
  return check_note(*info->note);
}

Result<void> check_note(const Note& note) {
  const forklift_version built_for{.size = 0, .major = note.major, .minor = note.minor};
  if (auto fits = check_version(built_for, FORKLIFT_VERSION_OF(forklift_plugin)); !fits) return fits;
  return check_name(note.name.c_str());
}

Result<void*> open_library(const std::string& path, const std::string& shown) {
  void* handle = ::dlopen(path.c_str(), kOpenFlags);
  if (handle != nullptr) return handle;
  const char* reason = ::dlerror();
  std::string text = reason == nullptr ? "the loader gives no reason" : reason;
  if (text.starts_with(path + ": ")) text.erase(0, path.size() + 2);
  replace_all(text, path, shown);
  return fail("{}: {}", shown, escape(std::string_view(text).substr(0, kLoaderReasonBytesMax)));
}

Result<void*> open_image(int image_fd, const std::string& plugin_path) {
  auto info = read_elf(image_fd);
  if (!info) return fail("{} {}", plugin_path, info.error().message());
  if (auto opened = open_private_libraries(*info, plugin_path); !opened) return Failure(opened.error());
  // By our own pid: /proc/self would be gdb's own descriptor when gdb opens it, and make it hang.
  return open_library(fmt::format("/proc/{}/fd/{}", ::getpid(), image_fd), plugin_path);
}

Result<void> check_version(const forklift_version& plugin, const forklift_version& host) {
  if (plugin.major == host.major && plugin.minor <= host.minor) return {};
  const std::string versions =
      fmt::format("the plugin was built for {} {}.{} of the plugin API, this server has {}.{}",
                  plugin.major == 0 ? "draft" : "version", plugin.major, plugin.minor, host.major, host.minor);
  if (plugin.major != host.major) return fail("{}: build it with this server's forklift/plugin.h", versions);
  return fail("{}: build it with an older forklift/plugin.h or update the server", versions);
}

Result<const forklift_plugin*> check(void* handle) {
  void* symbol = ::dlsym(handle, FORKLIFT_ENTRY_SYMBOL);
  if (symbol == nullptr) return missing_entry(handle);
  auto plugin = call_entry(reinterpret_cast<forklift_plugin_entry>(symbol));
  if (!plugin) return plugin;

  // The version alone is there in every descriptor; the other members only if it says so.
  forklift_version version{};
  std::memcpy(&version, *plugin, sizeof version);
  if (auto fits = check_version(version, FORKLIFT_VERSION_OF(forklift_plugin)); !fits) return Failure(fits.error());
  if (version.size < kDescriptorBytesMin || version.size > kDescriptorBytesMax) {
    return fail("the plugin's descriptor has a size of {} bytes; this server expects {} to {}", version.size,
                kDescriptorBytesMin, kDescriptorBytesMax);
  }
  if (auto named = check_name((*plugin)->name); !named) return Failure(named.error());
  if ((*plugin)->produce == nullptr && !FORKLIFT_HAS(*plugin, handle_connection)) {
    return fail("the plugin {} has neither a produce nor a handle_connection function", quote((*plugin)->name));
  }
  return plugin;
}

}  // namespace forklift::plugin
