// forklift/host.hpp - the worker that a plugin runs in; part of forklift/plugin.hpp
#ifndef FORKLIFT_HOST_HPP
#define FORKLIFT_HOST_HPP

#include <forklift/plugin.h>

#include <cstdint>
#include <forklift/detail/c_text.hpp>
#include <forklift/settings.hpp>
#include <string_view>

namespace forklift {
inline namespace api {

enum class Level {
  kDebug = FORKLIFT_LOG_DEBUG,
  kInfo = FORKLIFT_LOG_INFO,
  kWarning = FORKLIFT_LOG_WARNING,
  kError = FORKLIFT_LOG_ERROR
};

// The worker that the plugin runs in. Lives longer than the plugin, which may keep the reference.
class Host {
 public:
  explicit Host(const forklift_host* raw) : raw_(raw), settings_(raw->settings) {}
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  std::string_view app() const { return raw_->app; }
  std::uint64_t generation() const { return raw_->generation; }
  const Settings& settings() const { return settings_; }

  // One line in the server's log. From any thread.
  void log(Level level, std::string_view message) const {
    raw_->log(raw_, static_cast<int>(level), detail::CText(message).c_str());
  }

  // The table of the service `id`, or nullptr.
  const void* service(std::string_view id) const { return raw_->service(raw_, detail::CText(id).c_str()); }

  const forklift_host* raw() const { return raw_; }

 private:
  const forklift_host* raw_;
  Settings settings_;
};

}  // namespace api
}  // namespace forklift

#endif  // FORKLIFT_HOST_HPP
