// The head of a response: read from a CGI header block or composed from a structured call, checked, and written for
// SCGI.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

namespace forklift::protocol {

struct ResponseHead {
  int status = 200;
  std::string reason;                                        // empty: the standard phrase of `status`
  std::vector<std::pair<std::string, std::string>> headers;  // without Status; Content-Length included if it was set
  std::optional<std::uint64_t> content_length;               // its value, if it was set
};

// Where a CGI header block ends: the offset just behind its blank line (LF or CRLF, also mixed; RFC 3875, 6.2), or npos
// while none has arrived. `from` is the offset up to which an earlier call has looked, so that a block that arrives
// byte by byte is scanned once.
std::size_t find_block_end(std::string_view bytes, std::size_t from = 0);

// Parses a whole header block (with its blank line) as RFC 3875, 6.3 has it: `Status: 404 Not Found`, other headers, at
// least one. The result has passed check(). The error is one line for the log; bytes of the plugin are quoted in it.
// - `Location` without `Status` means 302, also for a local path: the server that could answer such a one by itself
//   (RFC 3875, 6.2.2) is the front, and nginx and PHP make it a 302 too.
// - `Connection` is left out: programs send it, but it speaks of a connection that they don't know (RFC 3875, 6.3.4).
tl::expected<ResponseHead, std::string> parse_cgi_head(std::string_view block);

// A response with more headers than this is a loop in the plugin.
inline constexpr std::size_t kMaxResponseHeaders = 200;

// What every head has to keep, whichever way it came: status 200 to 599 (1xx is not for a plugin), names that are
// tokens (RFC 9110, 5.6.2), values without control characters (tabs are allowed), at most kMaxResponseHeaders, at most
// one Content-Length and that digits only, no Status, Transfer-Encoding or Connection header. The error is one line for
// the log.
tl::expected<void, std::string> check(const ResponseHead& head);

// The value of the header Content-Length; nothing if there is none.
std::optional<std::uint64_t> declared_length(const ResponseHead& head);
// Leaves it out: a 204 has none (RFC 9110, 8.6).
void remove_length(ResponseHead& head);

// True where a response to `method` with this status has no body: HEAD, 204, 304 (RFC 9110, 6.4.1).
bool forbids_body(std::string_view method, int status);

// The standard phrase: 404 -> "Not Found"; for an unknown status that of its class.
std::string_view reason_phrase(int status);

// `Status: 200 OK\r\n`, the headers, a blank line, appended to `out`.
void write_scgi_head(const ResponseHead& head, std::string& out);

}  // namespace forklift::protocol
