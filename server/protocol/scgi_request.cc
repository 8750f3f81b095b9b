#include <fmt/format.h>

#include <limits>
#include <optional>
#include <utility>

#include "base/quote.h"
#include "protocol/digits.h"
#include "protocol/frame.h"
#include "protocol/request.h"

namespace forklift::protocol {
namespace {

template <typename... Args>
tl::unexpected<Rejection> reject(int status, fmt::format_string<Args...> format, Args&&... args) {
  return tl::unexpected(Rejection{status, fmt::format(format, std::forward<Args>(args)...)});
}

// Takes the bytes before the next NUL, and that NUL, off `block`; nothing, and `block` unchanged, where there is none.
std::optional<std::string_view> take_string(std::string_view& block) {
  const std::size_t nul = block.find('\0');
  if (nul == block.npos) return std::nullopt;
  const std::string_view string = block.substr(0, nul);
  block.remove_prefix(nul + 1);
  return string;
}

tl::expected<Variable, Rejection> take_variable(std::string_view& block) {
  const std::optional<std::string_view> name = take_string(block);
  if (!name) return reject(400, "the header block ends inside the name {}: no NUL follows", quote(block, kShownBytes));
  const std::optional<std::string_view> value = take_string(block);
  if (value) return Variable{*name, *value};
  if (block.empty()) {
    return reject(400, "{} has no value: the header block is an odd number of strings", quote(*name, kShownBytes));
  }
  return reject(400, "the header block ends inside the value of {}: no NUL follows {}", quote(*name, kShownBytes),
                quote(block, kShownBytes));
}

tl::expected<std::uint64_t, Rejection> read_content_length(const Variable& first) {
  if (first.name != "CONTENT_LENGTH") {
    return reject(400, "the first variable is {}: SCGI begins with CONTENT_LENGTH", quote(first.name, kShownBytes));
  }
  const std::optional<std::uint64_t> length = parse_digits(first.value);
  if (!length) return reject(400, "CONTENT_LENGTH is {}: expected digits", quote(first.value, kShownBytes));
  return *length;
}

// Last of all, so that the log can say which request it was.
tl::expected<void, Rejection> check_length(const Request& request, std::uint64_t limit) {
  if (request.content_length <= limit) return {};
  return reject(413, "CONTENT_LENGTH is {}: above the limit of {} bytes (limits.body)",
                quote(request.variables.front().value, kShownBytes), limit);
}

// A front server that has lost part of a body would otherwise make a plugin take the rest for the whole.
tl::expected<void, Rejection> check_http_content_length(const Request& request) {
  const Variable* http = request.find("HTTP_CONTENT_LENGTH");
  if (http == nullptr || parse_digits(http->value) == request.content_length) return {};
  return reject(400,
                "HTTP_CONTENT_LENGTH is {}, but CONTENT_LENGTH is {}: either nginx before 1.29.6 with "
                "\"scgi_request_buffering off\" has damaged the body (set \"scgi_request_buffering on\"), or an "
                "auth_request leaves the body out (set \"scgi_param HTTP_CONTENT_LENGTH 0\" in the auth location)",
                quote(http->value, kShownBytes), request.content_length);
}

tl::expected<void, Rejection> check_scgi(const Request& request) {
  const Variable* scgi = request.find("SCGI");
  if (scgi == nullptr) {
    return reject(400, "the variable SCGI is missing: expected \"1\" (in nginx: \"scgi_param SCGI 1\")");
  }
  if (scgi->value != "1") return reject(400, "SCGI is {}: expected \"1\"", quote(scgi->value, kShownBytes));
  return {};
}

// The header block of a head that is one whole netstring.
tl::expected<std::string_view, Rejection> open_netstring(std::string_view head) {
  HeadScan scan = kScgiFrame.scan(head, std::numeric_limits<std::size_t>::max());
  if (scan.verdict == HeadScan::Verdict::kBad) return tl::unexpected(Rejection{scan.status, std::move(scan.reason)});
  if (scan.verdict != HeadScan::Verdict::kComplete || scan.head_bytes != head.size()) {
    return reject(400, "the head is {} bytes long and not one whole netstring: {}", head.size(),
                  quote(head, kShownBytes));
  }
  const std::size_t begin = head.find(':') + 1;
  return head.substr(begin, head.size() - 1 - begin);
}

}  // namespace

tl::expected<void, Rejection> parse_scgi_head(std::string_view head, const RequestLimits& limits, Request& request) {
  request.clear();
  tl::expected<std::string_view, Rejection> block = open_netstring(head);
  if (!block) return tl::unexpected(std::move(block.error()));

  for (std::size_t count = 0; !block->empty(); ++count) {
    // Counted as they arrive and not after merging: the limit bounds the work.
    if (count == limits.variables) return reject(431, "more than {} variables", limits.variables);
    tl::expected<Variable, Rejection> variable = take_variable(*block);
    if (!variable) return tl::unexpected(std::move(variable.error()));
    if (count == 0) {
      tl::expected<std::uint64_t, Rejection> length = read_content_length(*variable);
      if (!length) return tl::unexpected(std::move(length.error()));
      request.content_length = *length;
    }
    tl::expected<void, Rejection> added = request.add(variable->name, variable->value);
    if (!added) return added;
  }

  return check_scgi(request).and_then([&] { return check_http_content_length(request); }).and_then([&] {
    return check_length(request, limits.body);
  });
}

}  // namespace forklift::protocol
