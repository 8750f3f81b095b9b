// A line of an access log: what is known of one request when it has ended.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/wall_clock.h"
#include "config/access_format.h"
#include "ipc/page.h"

namespace forklift::master {

// The views have to live until the line is composed; what they say comes from outside, and is raw.
struct AccessRecord {
  WallTime time{};  // when it ended
  std::string_view app{};
  std::uint64_t generation = 0;  // of the worker; 0 if none took it
  pid_t worker = 0;              // 0 if none took it
  ipc::RequestWords request{};   // empty if no worker took it
  unsigned status = 0;           // as sent; 499: the client left before anything was; 0: only the plugin knows
  std::uint64_t bytes = 0;       // of the response's body
  bool complete = false;         // else it was aborted, or the client left
  Duration took{};               // from accept to the end
  Duration waited{};             // of it, in the queue
};

// Appends the line with its newline to `out`. It is one line, of printable characters, whatever came from outside: in a
// text what is empty is `-` and the rest is escaped (base/quote.h); in JSON texts are strings and numbers are numbers.
void append_access_line(std::string& out, const config::AccessFormat& format, const AccessRecord& record);

}  // namespace forklift::master
