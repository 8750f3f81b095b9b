#include "base/log_service.h"

#include <syslog.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <ctime>

namespace forklift::log {

namespace {

constexpr std::string_view kIdentifier = "forklift";

int priority_of(Level level) {
  constexpr std::array<int, 4> kPriorities = {LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERR};
  return kPriorities.at(static_cast<std::size_t>(level));
}

// A value with a newline in it is told by its length: 8 bytes, the lowest first.
void append_field(std::string& out, std::string_view name, std::string_view value) {
  out += name;
  if (value.find('\n') == value.npos) {
    out += '=';
  } else {
    out += '\n';
    for (int shift = 0; shift < 64; shift += 8) {
      out += static_cast<char>(static_cast<std::uint64_t>(value.size()) >> shift & 0xff);
    }
  }
  out += value;
  out += '\n';
}

}  // namespace

std::optional<Service> service_named(std::string_view word) {
  if (word == "syslog") return Service::kSyslog;
  if (word == "journal") return Service::kJournal;
  return std::nullopt;
}

Result<ServiceLog> ServiceLog::connect(Service service, const ServicePaths& paths) {
  const bool is_syslog = service == Service::kSyslog;
  auto to = Datagrams::connect(is_syslog ? paths.syslog : paths.journal);
  if (to) return ServiceLog(service, std::move(*to));
  return Failure(Error(fmt::format("{} (is {} running here? log.file can also be \"-\" or a path)",
                                   to.error().message(), is_syslog ? "a syslog daemon" : "systemd-journald"),
                       to.error().code()));
}

bool ServiceLog::write(Level level, std::string_view line) {
  return to_.send(service_ == Service::kSyslog ? to_syslog(level, line, ::getpid(), std::chrono::system_clock::now())
                                               : to_journal(level, line)) == 0;
}

std::string to_syslog(Level level, std::string_view line, pid_t pid, WallTime time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm local{};
  ::localtime_r(&seconds, &local);
  char stamp[32] = {};
  std::strftime(stamp, sizeof stamp, "%b %e %T", &local);
  return fmt::format("<{}>{} {}[{}]: {}", LOG_DAEMON | priority_of(level), stamp, kIdentifier, pid, line);
}

std::string to_journal(Level level, std::string_view line) {
  std::string text;
  text.reserve(line.size() + 100);
  append_field(text, "PRIORITY", std::to_string(priority_of(level)));
  append_field(text, "SYSLOG_FACILITY", std::to_string(LOG_FAC(LOG_DAEMON)));
  append_field(text, "SYSLOG_IDENTIFIER", kIdentifier);
  append_field(text, "MESSAGE", line);
  return text;
}

}  // namespace forklift::log
