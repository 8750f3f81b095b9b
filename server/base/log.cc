#include "base/log.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <climits>

#include "base/append_file.h"
#include "base/quote.h"
#include "base/unique_fd.h"
#include "base/wall_clock.h"

namespace forklift::log {

namespace {

struct Destination {
  Options options;
  UniqueFd file;  // empty while the destination is standard error
  Sink sink;
  std::atomic<Level> level{Level::kInfo};
  std::atomic<unsigned long> dropped{0};
  bool torn = false;  // the last line that was dropped has left its beginning

  int fd() const { return file ? file.get() : STDERR_FILENO; }
};

// Leaked on purpose: a plugin's thread may still log while the process exits.
Destination& destination() {
  static auto* instance = new Destination;
  return *instance;
}

// Lines go to `file` from now on. Where the log is written to as before, what was torn there still is.
void use_file(Destination& to, UniqueFd file) {
  const int before = to.fd();
  const int after = file ? file.get() : STDERR_FILENO;
  if (!is_same_file(before, after)) to.torn = false;
  to.file = std::move(file);
}

// A pipe is shared with the workers, whose plugins may fill it between poll(2) and write(2): the master needs an open
// file of its own that does not block. Empty where standard error is no pipe, or cannot be opened again.
UniqueFd reopen_standard_error() {
  struct stat status {};
  if (::fstat(STDERR_FILENO, &status) != 0 || !S_ISFIFO(status.st_mode)) return {};
  return UniqueFd(::open("/proc/self/fd/2", O_WRONLY | O_APPEND | O_CLOEXEC | O_NONBLOCK));
}

std::string timestamp() {
  std::string text;
  append_iso_time(text, std::chrono::system_clock::now());
  return text;
}

std::string compose(Format format, Level level, std::string_view line) {
  if (format == Format::kJson) {
    return fmt::format("{{\"time\":\"{}\",\"level\":\"{}\",\"message\":\"{}\"}}\n", timestamp(), to_string(level),
                       json_escape(line));
  }
  return fmt::format("{} {:<7} {}\n", timestamp(), to_string(level), line);
}

// Writes one line without ever waiting: the reader of a pipe may be slow or dead, and the master must not be held by
// it. What poll(2) says of a pipe is room for PIPE_BUF bytes; a longer write to standard error, which may be blocking,
// would wait for the rest. Returns how many bytes were written.
std::size_t write_some(int fd, std::string_view text) {
  std::size_t written = 0;
  while (written < text.size()) {
    pollfd ready{fd, POLLOUT, 0};
    if (::poll(&ready, 1, 0) != 1 || !(ready.revents & POLLOUT)) break;
    const ssize_t n = ::write(fd, text.data() + written, std::min<std::size_t>(text.size() - written, PIPE_BUF));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    written += static_cast<std::size_t>(n);
  }
  return written;
}

bool write_line(Destination& to, std::string_view text) {
  const std::size_t written = write_some(to.fd(), text);
  if (written == text.size()) return true;
  to.torn = to.torn || written > 0;
  return false;
}

}  // namespace

std::string_view to_string(Level level) {
  constexpr std::array<std::string_view, 4> kNames = {"debug", "info", "warning", "error"};
  return kNames.at(static_cast<std::size_t>(level));
}

Result<void> open(const Options& options) {
  UniqueFd file = options.file == "-" ? reopen_standard_error() : UniqueFd();
  if (options.file != "-") {
    auto opened = open_append_file(options.file);
    if (!opened) return Failure(opened.error().in("log"));
    file = std::move(*opened);
  }
  Destination& to = destination();
  to.options = options;
  use_file(to, std::move(file));
  to.level = options.level;
  return {};
}

Result<void> reopen() {
  Destination& to = destination();
  if (to.options.file == "-") return {};
  auto opened = open_append_file(to.options.file);
  if (!opened) return Failure(opened.error().in("log"));
  use_file(to, std::move(*opened));
  return {};
}

void redirect(Sink sink) {
  destination().sink = std::move(sink);
}

bool enabled(Level level) {
  return level >= destination().level.load(std::memory_order_relaxed);
}

void write(Level level, std::string_view line) {
  if (!enabled(level)) return;
  Destination& to = destination();
  if (to.sink) return to.sink(level, line);
  if (const unsigned long dropped = to.dropped.load(std::memory_order_relaxed); dropped > 0) {
    const std::string notice =
        compose(to.options.format, Level::kWarning,
                fmt::format("{} log lines were dropped because the log could not be written", dropped));
    if (!write_line(to, to.torn ? "\n" + notice : notice)) {
      ++to.dropped;
      return;
    }
    to.dropped = 0;
    to.torn = false;
  }
  if (!write_line(to, compose(to.options.format, level, line))) ++to.dropped;
}

}  // namespace forklift::log
