// The log: one line an event, written with one system call, and dropped, counted and told of later where that would
// have to wait.
#pragma once

#include <fmt/format.h>

#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace forklift::log {

// In the order of their weight. The names in the configuration and in the lines are the lower-case words.
enum class Level { kDebug, kInfo, kWarning, kError };
enum class Format { kText, kJson };

std::string_view to_string(Level level);

struct Options {
  std::string file = "-";  // "-" is standard error; `syslog` or `journal` is that service; else a path
  Level level = Level::kInfo;
  Format format = Format::kText;

  bool operator==(const Options&) const = default;
};

// Where the services of the machine take lines.
struct ServicePaths {
  std::string syslog = "/dev/log";
  std::string journal = "/run/systemd/journal/socket";
};

// Opens the file (O_APPEND, created with mode 0640), or connects to the service, and writes all later lines there. On
// failure nothing has changed. Before the first call, lines of level info and above go to standard error as text.
// A service gets lines without time and level, which it has fields for, unless the format is JSON.  [master]
Result<void> open(const Options& options, const ServicePaths& services = {});

// Opens the file by its name again, after it was rotated away, or connects to the service again (SIGUSR1). On failure
// the old one stays in use. [master]
Result<void> reopen();

// Sends lines somewhere else: a worker has no log of its own and hands its lines to the master.  [worker]
using Sink = std::function<void(Level, std::string_view)>;
void redirect(Sink sink);

bool enabled(Level level);

// `line` must hold no newline: what came from outside is quoted by the caller (base/quote.h).
void write(Level level, std::string_view line);

template <typename... Args>
void debug(fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(Level::kDebug)) write(Level::kDebug, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void info(fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(Level::kInfo)) write(Level::kInfo, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void warning(fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(Level::kWarning)) write(Level::kWarning, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void error(fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(Level::kError)) write(Level::kError, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace forklift::log
