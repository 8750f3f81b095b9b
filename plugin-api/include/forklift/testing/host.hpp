// forklift/testing/host.hpp - the worker that a plugin takes itself to run in; part of forklift/testing.hpp
#ifndef FORKLIFT_TESTING_HOST_HPP
#define FORKLIFT_TESTING_HOST_HPP

#include <forklift/plugin.h>

#include <cstdint>
#include <forklift/testing/services.hpp>
#include <forklift/testing/settings.hpp>
#include <forklift/testing/text.hpp>
#include <initializer_list>
#include <map>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace forklift {
namespace testing {

// A line of the log.
struct LogLine {
  int level;         // FORKLIFT_LOG_...
  std::string text;  // as the log has it: escaped, without app, generation and pid

  friend bool operator==(const LogLine& a, const LogLine& b) { return a.level == b.level && a.text == b.text; }
  friend bool operator!=(const LogLine& a, const LogLine& b) { return !(a == b); }
};

// create() has refused. what() is the reason as the log has it, but for the place in the file: `setting "port": must
// be 1 to 65535`.
class Refused : public std::runtime_error {
 public:
  Refused(const std::string& what, std::optional<std::string> path, std::string why)
      : std::runtime_error(what), setting(std::move(path)), reason(std::move(why)) {}

  std::optional<std::string> setting;  // the path that host->refuse was given; nothing if none was
  std::string reason;                  // empty if none was given
};

// What to tell the plugin: a value, to be filled in and given to Plugin.
//
//     Host("greeting=Salut", "mounts[0].at=/x").app("shop").generation(7).service("forklift.example/1", &table)
class Host {
 public:
  Host() = default;
  explicit Host(Settings settings) : settings_(std::move(settings)) {}
  Host(std::initializer_list<Texts::value_type> settings) : settings_(settings) {}
  // `path=value`, any number of them.
  template <class... More, class = std::enable_if_t<(std::is_convertible_v<const More&, std::string_view> && ...)>>
  explicit Host(std::string_view setting, const More&... more) {
    settings_.set(setting);
    (settings_.set(std::string_view(more)), ...);
  }

  Host& app(std::string name) { return app_ = std::move(name), *this; }
  Host& generation(std::uint64_t number) { return generation_ = number, *this; }
  Host& settings(Settings settings) { return settings_ = std::move(settings), *this; }
  Host& set(std::string_view path, std::string_view text) { return settings_.set(path, text), *this; }
  // What host->service finds under `id`. The table stays the test's, and outlives the plugin. What a worker offers
  // (forklift.defer/1, forklift.stats/1) is there by itself; the test's goes before it, and with nullptr the plugin is
  // on a host that has no such service.
  Host& service(std::string id, const void* table) { return services_[std::move(id)] = table, *this; }

 private:
  friend class HostTable;

  std::string app_ = "test";
  std::uint64_t generation_ = 1;
  Settings settings_;
  std::map<std::string, const void*, std::less<>> services_;
};

// The table that a plugin gets of it. Its functions may be called from any thread.
//
// By itself it offers no forklift.defer/1: it has no requests, whose ends Plugin knows. So forklift::Defer does the
// work at once.
class HostTable : public forklift_host {
 public:
  explicit HostTable(Host host = Host())
      : forklift_host{FORKLIFT_VERSION_OF(forklift_host),
                      nullptr,
                      host.generation_,
                      nullptr,
                      do_log,
                      do_refuse,
                      do_service},
        host_(std::move(host)),
        table_(host_.settings_),
        deferred_([this](const std::string& text) { add_line(FORKLIFT_LOG_ERROR, text); }),
        stats_([this](const std::string& text) { add_line(FORKLIFT_LOG_ERROR, text); }) {
    app = host_.app_.c_str();
    settings = &table_;
  }
  HostTable(const HostTable&) = delete;
  HostTable& operator=(const HostTable&) = delete;

  // All lines so far.
  std::vector<LogLine> log_lines() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return lines_;
  }
  void add_line(int level, std::string text) const {
    const std::lock_guard<std::mutex> lock(mutex_);
    lines_.push_back({level, std::move(text)});
  }

  // The plugin's own numbers, in the order in which it has registered them.
  std::vector<Stat> stats() const { return stats_.all(); }

  // Whether the plugin has given a reason for refusing, and which.
  bool has_refusal() const { return refusal_.has_value(); }
  Refused refusal() const {
    return refusal_ ? *refusal_ : Refused("create failed and gave no reason", std::nullopt, "");
  }

 private:
  friend class Plugin;

  static const HostTable& self(const forklift_host* table) { return *static_cast<const HostTable*>(table); }

  static void do_log(const forklift_host* table, int level, const char* message) {
    if (message == nullptr) return;
    // A level that does not exist is a mistake, and what it wants to say may matter.
    const bool exists = level >= FORKLIFT_LOG_DEBUG && level <= FORKLIFT_LOG_ERROR;
    self(table).add_line(exists ? level : FORKLIFT_LOG_ERROR, detail::line_of(message, 8000));
  }
  static void do_refuse(const forklift_host* table, const char* setting, const char* reason) {
    std::string text = detail::line_of(reason, 1000);
    if (text.empty()) text = "no reason given";
    if (setting == nullptr) {
      self(table).refusal_.emplace(text, std::nullopt, text);
      return;
    }
    const std::string path(setting, ::strnlen(setting, 1000));
    const std::string what = path.empty() ? "settings" : "setting " + detail::quote(path);
    self(table).refusal_.emplace(what + ": " + text, path, text);
  }
  static const void* do_service(const forklift_host* table, const char* id) {
    if (id == nullptr) return nullptr;
    const HostTable& host = self(table);
    const auto found = host.host_.services_.find(id);
    if (found != host.host_.services_.end()) return found->second;
    if (host.has_requests_ && std::string_view(id) == FORKLIFT_DEFER_ID) return host.deferred_.table();
    return std::string_view(id) == FORKLIFT_STATS_ID ? host.stats_.table() : nullptr;
  }

  const Host host_;
  const SettingsTable table_;
  mutable std::mutex mutex_;
  // The plugin has the host as const, and tells it things.
  mutable std::vector<LogLine> lines_;
  mutable std::optional<Refused> refusal_;
  bool has_requests_ = false;
  detail::DeferredWork deferred_;
  detail::StatsTable stats_;
};

}  // namespace testing
}  // namespace forklift

#endif  // FORKLIFT_TESTING_HOST_HPP
