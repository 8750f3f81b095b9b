// The tables that a plugin gets in create(): forklift_host and forklift_settings of forklift/plugin.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <forklift/plugin.h>

#include "config/settings.h"

namespace forklift::plugin {

// Makes the tables and is what their functions work on. Lives until the plugin's destroy() has returned; so does
// `settings`, whose strings are handed out as they are. It cannot be moved, because the plugin holds its address.
//
// The plugin's lines go to log::write as they are, without app, generation and pid: whoever writes the worker's lines
// knows them. A plugin may hand in NULL wherever it should hand in something; no exception crosses into it.  [worker]
class HostTable {
 public:
  HostTable(std::string app, std::uint64_t generation, const config::Settings& settings);
  HostTable(const HostTable&) = delete;
  HostTable& operator=(const HostTable&) = delete;

  const forklift_host* table() const { return &host_; }

  // From now on `table` is what the plugin finds by `id`; both outlive this. Once for each id, before create().
  void offer(std::string_view id, const void* table) { services_.emplace_back(id, table); }

  // What the plugin gave as the reason for refusing (host->refuse), the last time it did: one line, escaped. With the
  // path of a setting it begins with the setting's place, `conf/app.yaml:12:5: setting "root": `; where the setting is
  // missing, with the place of the nearest thing around it.
  const std::optional<std::string>& refusal() const { return refusal_; }

 private:
  // The functions of the tables get only the table; these carry what they need behind it.
  struct SettingsTable : forklift_settings {
    const config::Settings* root;
  };
  struct Table : forklift_host {
    HostTable* self;
  };

  static const config::Settings* find_setting(const forklift_settings* table, const char* path);
  static int settings_kind(const forklift_settings* table, const char* path) noexcept;
  static const char* settings_get(const forklift_settings* table, const char* path, size_t* size) noexcept;
  static size_t settings_count(const forklift_settings* table, const char* path) noexcept;
  static const char* settings_name(const forklift_settings* table, const char* path, size_t index) noexcept;
  static void host_log(const forklift_host* table, int level, const char* message) noexcept;
  static void host_refuse(const forklift_host* table, const char* setting, const char* reason) noexcept;
  static const void* host_service(const forklift_host* table, const char* id) noexcept;

  const std::string app_;
  SettingsTable settings_{};
  Table host_{};
  std::vector<std::pair<std::string_view, const void*>> services_;
  std::optional<std::string> refusal_;
};

}  // namespace forklift::plugin
