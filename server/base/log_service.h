// The log of the machine: syslog or the journal. Both take a datagram a line.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/datagrams.h"
#include "base/log.h"
#include "base/result.h"
#include "base/wall_clock.h"

namespace forklift::log {

enum class Service { kSyslog, kJournal };

// `syslog` and `journal`, as they stand in the configuration.
std::optional<Service> service_named(std::string_view word);

class ServiceLog {
 public:
  // The error says what is missing and what takes its place.
  static Result<ServiceLog> connect(Service service, const ServicePaths& paths);

  // Never waits. False if the service has not taken the line.
  bool write(Level level, std::string_view line);

 private:
  ServiceLog(Service service, Datagrams to) : service_(service), to_(std::move(to)) {}

  Service service_;
  Datagrams to_;
};

// What is sent: as syslog(3) does it (RFC 3164), with the machine's local time, and in the journal's own protocol
// (systemd.io/JOURNAL_NATIVE_PROTOCOL).
std::string to_syslog(Level level, std::string_view line, pid_t pid, WallTime time);
std::string to_journal(Level level, std::string_view line);

}  // namespace forklift::log
