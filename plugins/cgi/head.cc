#include "head.h"

#include <algorithm>

#include "text.h"

namespace cgi {
namespace {

// The offset just behind the blank line, or npos. `from`: what was looked at before.
std::size_t find_end(std::string_view bytes, std::size_t from) {
  if (bytes.starts_with('\n')) return 1;
  if (bytes.starts_with("\r\n")) return 2;
  for (std::size_t lf = bytes.find('\n', from > 2 ? from - 2 : 0); lf != bytes.npos; lf = bytes.find('\n', lf + 1)) {
    const std::string_view next = bytes.substr(lf + 1, 2);
    if (next.starts_with('\n')) return lf + 2;
    if (next == "\r\n") return lf + 3;
  }
  return bytes.npos;
}

std::string_view take_line(std::string_view& block) {
  const std::size_t lf = block.find('\n');
  std::string_view line = block.substr(0, lf);
  block.remove_prefix(lf == block.npos ? block.size() : lf + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

bool is_local(std::string_view location) {
  return location.starts_with('/') && !location.starts_with("//");
}

}  // namespace

void HeadReader::take(std::string_view& bytes) {
  if (complete_) return;
  const std::size_t before = block_.size();
  const std::string_view part = bytes.substr(0, bytes_max_ - before);
  block_.append(part);
  const std::size_t end = find_end(block_, before);
  if (end != std::string::npos) {
    complete_ = true;
    block_.resize(end);
    bytes.remove_prefix(end - before);
  } else if (part.size() < bytes.size()) {
    throw BadHead("its output has no header block in the first " + std::to_string(bytes_max_) +
                  " bytes (limits.head): " + quote(block_));
  } else {
    bytes = {};
  }
}

Head parse_head(std::string_view block) {
  if (block.starts_with("HTTP/")) {
    throw BadHead("its output begins with an HTTP status line: " + quote(take_line(block)) +
                  "; programs that talk to the client by themselves (NPH) are not supported: write \"Status: 200 OK\", "
                  "or nothing of the kind");
  }
  std::optional<std::string_view> status;
  std::optional<std::string_view> location;
  bool is_first = true;
  for (std::string_view line = take_line(block); !line.empty(); line = take_line(block), is_first = false) {
    const std::size_t colon = line.find(':');
    if (colon == line.npos || colon == 0) {
      throw BadHead(std::string("its output ") + (is_first ? "begins with" : "has, among its headers,") +
                    " a line that is no header: " + quote(line));
    }
    const std::string_view name = line.substr(0, colon);
    if (same_name(name, "Status")) status = trim(line.substr(colon + 1));
    if (!same_name(name, "Location")) continue;
    if (location) throw BadHead("its output has a second Location: " + quote(line));
    location = trim(line.substr(colon + 1));
    if (location->empty()) throw BadHead("its output has an empty Location");
  }
  if (is_first) throw BadHead("its output begins with a blank line instead of headers");
  Head head;
  if (location && !status && is_local(*location)) head.local_redirection = *location;
  head.has_page = !status || !(status->starts_with("204") || status->starts_with("304"));
  return head;
}

}  // namespace cgi
