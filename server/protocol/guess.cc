#include <algorithm>
#include <cstddef>

#include "protocol/frame.h"

namespace forklift::protocol {
namespace {

using namespace std::string_view_literals;

unsigned byte_at(std::string_view bytes, std::size_t at) {
  return static_cast<unsigned char>(bytes[at]);
}

// `METHOD target`, or the status line of somebody who takes us for a client.
bool looks_like_http(std::string_view bytes) {
  if (bytes.starts_with("HTTP/")) return true;
  constexpr std::size_t kShortestMethod = 3;
  constexpr std::size_t kLongestMethod = 20;
  const std::size_t blank = bytes.substr(0, kLongestMethod + 1).find(' ');
  if (blank == bytes.npos || blank < kShortestMethod) return false;
  return std::all_of(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(blank),
                     [](char c) { return (c >= 'A' && c <= 'Z') || c == '-'; });
}

// A handshake record of SSL 3.0 or any TLS.
bool looks_like_tls(std::string_view bytes) {
  return bytes.starts_with("\x16\x03"sv);
}

// A record's version 1 and one of the eleven types.
bool looks_like_fastcgi(std::string_view bytes) {
  return bytes.size() >= 2 && bytes[0] == 1 && byte_at(bytes, 1) >= 1 && byte_at(bytes, 1) <= 11;
}

bool looks_like_proxy(std::string_view bytes) {
  return bytes.starts_with("PROXY ") || bytes.starts_with("\r\n\r\n\0\r\nQUIT\n"sv);
}

// Modifier 0, the size of the variables (16 bits, little endian), modifier 0, then the size of the first name and the
// name.
bool looks_like_uwsgi(std::string_view bytes) {
  if (bytes.size() < 7 || bytes[0] != 0 || bytes[3] != 0) return false;
  const unsigned variables_bytes = byte_at(bytes, 1) + 256 * byte_at(bytes, 2);
  const unsigned name_bytes = byte_at(bytes, 4) + 256 * byte_at(bytes, 5);
  return name_bytes > 0 && name_bytes + 4 <= variables_bytes && bytes[6] >= 'A' && bytes[6] <= 'Z';
}

}  // namespace

std::string_view guess_protocol(std::string_view bytes) {
  if (looks_like_proxy(bytes)) return "PROXY protocol";  // before HTTP: its first version begins like a method
  if (looks_like_http(bytes)) return "HTTP";
  if (looks_like_tls(bytes)) return "TLS";
  if (looks_like_fastcgi(bytes)) return "FastCGI";
  if (looks_like_uwsgi(bytes)) return "uwsgi";
  return {};
}

}  // namespace forklift::protocol
