// What commands and master say to each other through the control socket: a line of JSON each (RFC 8259).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "master/reload_result.h"

namespace forklift::master {

struct ControlRequest {
  enum class Command { kStatus, kStop, kReload, kRestart };
  Command command = Command::kStatus;
  std::optional<std::string> app;  // reload: the only one that is meant; restart: always there
};

// `{"command":"reload","app":"shop"}`. The error names what is wrong with the line.
Result<ControlRequest> parse_control_request(std::string_view line);

// Events, without a newline. Texts may hold anything; what could drive a terminal is escaped.
std::string stopping_event();
std::string waiting_event();  // the command is at work: said every few seconds
std::string error_event(std::string_view text);
std::string progress_event(std::string_view app, std::string_view text);
std::string finished_event(const ReloadResult& result);

}  // namespace forklift::master
