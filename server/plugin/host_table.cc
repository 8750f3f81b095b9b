#include "plugin/host_table.h"

#include <fmt/format.h>

#include <string_view>
#include <utility>

#include "base/log.h"
#include "base/quote.h"
#include "plugin/c_text.h"

namespace forklift::plugin {
namespace {

constexpr std::size_t kLineBytesMax = 8000;  // as forklift/plugin.h promises
constexpr std::size_t kReasonBytesMax = 1000;
constexpr std::size_t kPathBytesMax = 1000;

// A plugin in C cannot catch: whatever is thrown here, a lack of memory at the worst, ends as `fallback`.
template <typename T, typename Body>
T guarded(T fallback, const Body& body) noexcept {
  try {
    return body();
  } catch (...) {
    return fallback;
  }
}

// A plugin's text as one line of at most `bytes_max` bytes: escaped, without the newline that people put at the end,
// and not cut within a character or an escape.
std::string line_of(const char* text, std::size_t bytes_max) {
  std::string_view rest = bounded(text, bytes_max);
  if (rest.ends_with('\n')) rest.remove_suffix(1);
  return escape_controls(rest, bytes_max);
}

log::Level log_level(int level) {
  switch (level) {
    case FORKLIFT_LOG_DEBUG: return log::Level::kDebug;
    case FORKLIFT_LOG_INFO: return log::Level::kInfo;
    case FORKLIFT_LOG_WARNING: return log::Level::kWarning;
    default:  // a level that doesn't exist is a mistake, and what it wants to say may matter
      return log::Level::kError;
  }
}

// Where `path` stands in the configuration; if it doesn't, where the nearest node around it does.
config::Position place_of(const config::Settings& root, std::string_view path) {
  for (std::string_view shorter = path; !shorter.empty(); shorter.remove_suffix(1)) {
    const bool at_border = shorter.size() == path.size() || path[shorter.size()] == '.' || path[shorter.size()] == '[';
    if (!at_border) continue;
    if (const config::Settings* node = config::find(root, shorter)) return node->position;
  }
  return root.position;
}

}  // namespace

HostTable::HostTable(std::string app, std::uint64_t generation, const config::Settings& settings)
    : app_(std::move(app)) {
  settings_.version = FORKLIFT_VERSION_OF(forklift_settings);
  settings_.kind = settings_kind;
  settings_.get = settings_get;
  settings_.count = settings_count;
  settings_.name = settings_name;
  settings_.root = &settings;

  host_.version = FORKLIFT_VERSION_OF(forklift_host);
  host_.app = app_.c_str();
  host_.generation = generation;
  host_.settings = &settings_;
  host_.log = host_log;
  host_.refuse = host_refuse;
  host_.service = host_service;
  host_.self = this;
}

const config::Settings* HostTable::find_setting(const forklift_settings* table, const char* path) {
  if (table == nullptr || path == nullptr) return nullptr;
  return config::find(*static_cast<const SettingsTable*>(table)->root, path);
}

int HostTable::settings_kind(const forklift_settings* table, const char* path) noexcept {
  return guarded<int>(FORKLIFT_SETTING_NONE, [&]() -> int {
    const config::Settings* node = find_setting(table, path);
    if (node == nullptr) return FORKLIFT_SETTING_NONE;
    switch (node->kind) {
      case config::Settings::Kind::kScalar: return FORKLIFT_SETTING_TEXT;
      case config::Settings::Kind::kList: return FORKLIFT_SETTING_LIST;
      case config::Settings::Kind::kMap: return FORKLIFT_SETTING_MAP;
    }
    return FORKLIFT_SETTING_NONE;
  });
}

const char* HostTable::settings_get(const forklift_settings* table, const char* path, size_t* size) noexcept {
  if (size != nullptr) *size = 0;
  return guarded<const char*>(nullptr, [&]() -> const char* {
    const config::Settings* node = find_setting(table, path);
    if (node == nullptr || node->kind != config::Settings::Kind::kScalar) return nullptr;
    if (size != nullptr) *size = node->scalar.size();
    return node->scalar.c_str();
  });
}

size_t HostTable::settings_count(const forklift_settings* table, const char* path) noexcept {
  return guarded<size_t>(0, [&]() -> size_t {
    const config::Settings* node = find_setting(table, path);
    return node == nullptr || node->kind == config::Settings::Kind::kScalar ? 0 : node->children.size();
  });
}

const char* HostTable::settings_name(const forklift_settings* table, const char* path, size_t index) noexcept {
  return guarded<const char*>(nullptr, [&]() -> const char* {
    const config::Settings* node = find_setting(table, path);
    if (node == nullptr || node->kind != config::Settings::Kind::kMap) return nullptr;
    return index < node->children.size() ? node->children[index].name.c_str() : nullptr;
  });
}

void HostTable::host_log(const forklift_host*, int level, const char* message) noexcept {
  guarded(0, [&] {
    if (message != nullptr && log::enabled(log_level(level)))
      log::write(log_level(level), line_of(message, kLineBytesMax));
    return 0;
  });
}

void HostTable::host_refuse(const forklift_host* table, const char* setting, const char* reason) noexcept {
  if (table == nullptr) return;
  HostTable& self = *static_cast<const Table*>(table)->self;
  guarded(0, [&] {
    std::string text = line_of(reason, kReasonBytesMax);
    if (text.empty()) text = "no reason given";
    if (setting != nullptr) {
      const std::string_view path = bounded(setting, kPathBytesMax);
      const config::Position place = place_of(*self.settings_.root, path);
      const std::string what = path.empty() ? "settings" : "setting " + quote(path);
      text = fmt::format("{}{}: {}", place.line == 0 ? "" : place.to_string() + ": ", what, text);
    }
    self.refusal_ = std::move(text);
    return 0;
  });
}

const void* HostTable::host_service(const forklift_host* table, const char* id) noexcept {
  if (table == nullptr || id == nullptr) return nullptr;
  for (const auto& [known, service] : static_cast<const Table*>(table)->self->services_) {
    if (known == id) return service;
  }
  return nullptr;
}

}  // namespace forklift::plugin
