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
#include <optional>

#include "base/append_file.h"
#include "base/log_service.h"
#include "base/quote.h"
#include "base/unique_fd.h"
#include "base/wall_clock.h"

namespace forklift::log {

namespace {

struct Destination {
  Options options;
  ServicePaths paths;
  std::optional<ServiceLog> service;
  UniqueFd file;  // empty while the destination is standard error or a service
  Sink sink;
  std::atomic<Level> level{Level::kInfo};
  std::atomic<unsigned long> dropped{0};
  bool is_open = false;
  bool torn = false;  // the last line that was dropped has left its beginning

  int fd() const { return file ? file.get() : STDERR_FILENO; }
};

// Leaked on purpose: a plugin's thread may still log while the process exits.
Destination& destination() {
  static auto* instance = new Destination;
  return *instance;
}

void use_service(Destination& to, ServiceLog service) {
  to.service = std::move(service);
  to.file.reset();
  to.torn = false;
}

// Lines go to `file` from now on. Where the log is written to as before, what was torn there still is.
void use_file(Destination& to, UniqueFd file) {
  to.service.reset();
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

std::string to_json(Level level, std::string_view line) {
  return fmt::format("{{\"time\":\"{}\",\"level\":\"{}\",\"message\":\"{}\"}}", timestamp(), to_string(level),
                     json_escape(line));
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

bool write_to_file(Destination& to, std::string_view text) {
  const std::size_t written = write_some(to.fd(), text);
  if (written == text.size()) return true;
  to.torn = to.torn || written > 0;
  return false;
}

// `ends_torn`: what was torn before ends here.
bool write_line(Destination& to, Level level, std::string_view line, bool ends_torn = false) {
  const bool json = to.options.format == Format::kJson;
  if (to.service) return to.service->write(level, json ? to_json(level, line) : line);
  const std::string text =
      json ? to_json(level, line) : fmt::format("{} {:<7} {}", timestamp(), to_string(level), line);
  return write_to_file(to, fmt::format("{}{}\n", ends_torn ? "\n" : "", text));
}

// The last line where lines have gone until now.
void say_where_it_goes_on(Destination& to, const Options& next) {
  if (!to.is_open || next.file == to.options.file || to.level.load(std::memory_order_relaxed) > Level::kInfo) return;
  write_line(to, Level::kInfo, fmt::format("the log goes on in {}", next.file == "-" ? "standard error" : next.file));
}

// Makes the destination what its options say.
Result<void> connect(Destination& to, const Options& options, const ServicePaths& paths) {
  if (const auto service = service_named(options.file)) {
    auto connected = ServiceLog::connect(*service, paths);
    if (!connected) return Failure(connected.error().in("log"));
    say_where_it_goes_on(to, options);
    use_service(to, std::move(*connected));
    return {};
  }
  if (options.file == "-") {
    say_where_it_goes_on(to, options);
    use_file(to, reopen_standard_error());
    return {};
  }
  auto opened = open_append_file(options.file);
  if (!opened) return Failure(opened.error().in("log"));
  say_where_it_goes_on(to, options);
  use_file(to, std::move(*opened));
  return {};
}

}  // namespace

std::string_view to_string(Level level) {
  constexpr std::array<std::string_view, 4> kNames = {"debug", "info", "warning", "error"};
  return kNames.at(static_cast<std::size_t>(level));
}

Result<void> open(const Options& options, const ServicePaths& services) {
  Destination& to = destination();
  if (auto connected = connect(to, options, services); !connected) return connected;
  to.options = options;
  to.paths = services;
  to.level = options.level;
  to.is_open = true;
  return {};
}

Result<void> reopen() {
  Destination& to = destination();
  return to.options.file == "-" ? Result<void>{} : connect(to, to.options, to.paths);
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
    const std::string notice = fmt::format("{} log lines were dropped because the log could not be written", dropped);
    if (!write_line(to, Level::kWarning, notice, to.torn)) {
      ++to.dropped;
      return;
    }
    to.dropped = 0;
    to.torn = false;
  }
  if (!write_line(to, level, line)) ++to.dropped;
}

}  // namespace forklift::log
