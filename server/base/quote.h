// Printing what came from outside.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace forklift {

// `bytes` in double quotes, printable ASCII as it is, everything else escaped as in C (\n, \t, \\, \", \x1b), so that
// nothing that a client or a plugin sends can end a log line or colour a terminal. At most `max_bytes` of the input are
// shown; what was left out is marked by `...` behind the closing quote.
std::string quote(std::string_view bytes, std::size_t max_bytes = 200);

// The same escapes without the quotes and without a limit.
std::string escape(std::string_view bytes);

// Text that is meant for people already, such as a worker's log line: only what could end the line or drive a terminal
// is escaped, quotes and backslashes stay.
std::string escape_controls(std::string_view text);

// `bytes` as the inside of a JSON string (RFC 8259, section 7). Bytes above 0x7f become \u00xx: a log line is valid
// JSON whatever a client sent.
std::string json_escape(std::string_view bytes);

}  // namespace forklift
