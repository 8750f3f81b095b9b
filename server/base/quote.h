// Printing what came from outside, so that nothing that a client or a plugin sends can end a log line, colour a
// terminal or turn the direction of text. Printable ASCII and harmless characters in good UTF-8 (base/utf8.h) stay as
// they are; everything else is escaped byte by byte.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace forklift {

// `bytes` in double quotes, with the escapes of C (\n, \t, \\, \", \x1b). At most `bytes_max` bytes of the input are
// shown, without splitting a character; what was left out is marked by `...` behind the closing quote.
std::string quote(std::string_view bytes, std::size_t bytes_max = 200);

// The same escapes without the quotes and without a limit.
std::string escape(std::string_view bytes);
void append_escaped(std::string& out, std::string_view bytes);

// Text that is meant for people already, such as a worker's log line: only what could end the line or drive a terminal
// is escaped, quotes and backslashes stay. The result has at most `bytes_max` bytes, and ends at a whole character or a
// whole escape.
std::string escape_controls(std::string_view text, std::size_t bytes_max = std::string_view::npos);

// `bytes` as the inside of a JSON string (RFC 8259, section 7), which is valid whatever a client sent. What is not
// shown as it is becomes \u1234: a character by its number, a byte that is no UTF-8 by its value, \u0000 to \u00ff.
std::string json_escape(std::string_view bytes);
void append_json_escaped(std::string& out, std::string_view bytes);

}  // namespace forklift
