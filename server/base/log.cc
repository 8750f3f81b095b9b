#include "base/log.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <optional>
#include <utility>

#include "base/append_file.h"
#include "base/log_service.h"
#include "base/quote.h"
#include "base/retry.h"
#include "base/unique_fd.h"
#include "base/wall_clock.h"

namespace forklift::log {

namespace {

// How a line is written without a wait: the reader of a pipe, a terminal or a socket may be slow or dead, and the
// master must not be held by it.
enum class Way {
  kWrite,      // write(2) does not wait
  kSend,       // a socket: MSG_DONTWAIT
  kUnblocked,  // for the moment of the write it is made not to
};

struct Destination {
  Options options;
  ServicePaths paths;
  std::optional<ServiceLog> service;
  UniqueFd file;  // empty while the destination is standard error or a service
  Way way = Way::kUnblocked;
  Sink sink;
  std::atomic<Level> level{Level::kInfo};
  std::atomic<unsigned long> dropped{0};
  bool is_open = false;
  bool torn = false;  // what was written last lacks its end

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

// Lines go to `file`, or to standard error, from now on. Where the log is written to as before, what was torn there
// still is.
void use_file(Destination& to, UniqueFd file, Way way) {
  to.service.reset();
  const int before = to.fd();
  const int after = file ? file.get() : STDERR_FILENO;
  if (!is_same_file(before, after)) to.torn = false;
  to.file = std::move(file);
  to.way = way;
}

// Standard error is shared with whoever has started this server, and does block. So it is opened again, for an open
// file of our own that does not. That fails where it belongs to another user, and a socket cannot be opened at all.
void use_standard_error(Destination& to) {
  struct stat status {};
  const bool is_known = ::fstat(STDERR_FILENO, &status) == 0;
  if (is_known && S_ISREG(status.st_mode)) return use_file(to, {}, Way::kWrite);
  if (is_known && S_ISSOCK(status.st_mode)) return use_file(to, {}, Way::kSend);
  UniqueFd own(::open("/proc/self/fd/2", O_WRONLY | O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  const Way way = own ? Way::kWrite : Way::kUnblocked;
  use_file(to, std::move(own), way);
}

// Makes the open file of `fd` not block as long as this lives. Whoever else has it meets that, so it is not for long.
class Unblocked {
 public:
  explicit Unblocked(int fd) : fd_(fd), flags_(::fcntl(fd, F_GETFL)) {
    if (blocks()) ::fcntl(fd_, F_SETFL, flags_ | O_NONBLOCK);
  }
  ~Unblocked() {
    if (blocks()) ::fcntl(fd_, F_SETFL, flags_);
  }
  Unblocked(const Unblocked&) = delete;
  Unblocked& operator=(const Unblocked&) = delete;

 private:
  bool blocks() const { return flags_ >= 0 && (flags_ & O_NONBLOCK) == 0; }

  const int fd_;
  const int flags_;
};

std::string timestamp() {
  std::string text;
  append_iso_time(text, std::chrono::system_clock::now());
  return text;
}

std::string to_json(Level level, std::string_view line) {
  return fmt::format("{{\"time\":\"{}\",\"level\":\"{}\",\"message\":\"{}\"}}", timestamp(), to_string(level),
                     json_escape(line));
}

// Returns how many bytes were written.
std::size_t write_some(const Destination& to, std::string_view text) {
  std::optional<Unblocked> unblocked;
  if (to.way == Way::kUnblocked) unblocked.emplace(to.fd());
  std::size_t written = 0;
  while (written < text.size()) {
    const std::string_view rest = text.substr(written);
    const ssize_t n = retry_interrupted([&] {
      return to.way == Way::kSend ? ::send(to.fd(), rest.data(), rest.size(), MSG_DONTWAIT | MSG_NOSIGNAL)
                                  : ::write(to.fd(), rest.data(), rest.size());
    });
    if (n <= 0) break;
    written += static_cast<std::size_t>(n);
  }
  return written;
}

// Whether it is there. What lacks no more than its newline is, and the next line ends it.
bool write_to_file(Destination& to, std::string_view line) {
  const std::string text = fmt::format("{}{}\n", to.torn ? "\n" : "", line);
  const std::size_t written = write_some(to, text);
  if (written > 0) to.torn = text[written - 1] != '\n';
  return written + 1 >= text.size();
}

bool write_line(Destination& to, Level level, std::string_view line) {
  const bool json = to.options.format == Format::kJson;
  if (to.service) return to.service->write(level, json ? to_json(level, line) : line);
  return write_to_file(to,
                       json ? to_json(level, line) : fmt::format("{} {:<7} {}", timestamp(), to_string(level), line));
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
    use_standard_error(to);
    return {};
  }
  auto opened = open_append_file(options.file);
  if (!opened) return Failure(opened.error().in("log"));
  say_where_it_goes_on(to, options);
  use_file(to, std::move(*opened), Way::kWrite);
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
    if (!write_line(to, Level::kWarning, notice)) {
      ++to.dropped;
      return;
    }
    to.dropped = 0;
  }
  if (!write_line(to, level, line)) ++to.dropped;
}

}  // namespace forklift::log
