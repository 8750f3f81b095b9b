// An SCGI head is a netstring: the length of the header block in digits, a colon, the block, a comma.
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "base/quote.h"
#include "protocol/frame.h"
#include "protocol/front.h"
#include "protocol/response_head.h"

namespace forklift::protocol {
namespace {

using Verdict = HeadScan::Verdict;

// No length within this bound overflows, neither by one more digit nor as the size of the whole head.
constexpr std::size_t kLargestBlock = std::numeric_limits<std::size_t>::max() / 16;

// How much of what arrived is shown in a reason.
constexpr std::size_t kShownOfStart = 40;

HeadScan bad(int status, std::string reason) {
  return {Verdict::kBad, 0, status, std::move(reason)};
}

HeadScan no_length(std::string_view bytes) {
  const std::string_view guess = guess_protocol(bytes);
  const std::string hint = guess.empty() ? "" : fmt::format("; this looks like {}, and SCGI is expected here", guess);
  return bad(400,
             fmt::format("expected the digits of a netstring's length, got {}{}", quote(bytes, kShownOfStart), hint));
}

HeadScan scan_scgi(std::string_view bytes, std::size_t head_limit) {
  const std::size_t block_limit = std::min(head_limit, kLargestBlock);
  std::size_t block_bytes = 0;
  std::size_t colon = 0;
  // Ends early: a number without a leading zero passes the limit at the latest with one digit more than the limit has.
  for (;; ++colon) {
    if (colon == bytes.size()) return {};
    const char c = bytes[colon];
    if (c == ':' && colon > 0) break;
    if (c < '0' || c > '9') {
      if (colon == 0) return no_length(bytes);
      return bad(400, fmt::format("expected a digit or \":\" at offset {} of the netstring's length, got {}", colon,
                                  quote(bytes, kShownOfStart)));
    }
    // Refused before it is known whether a second digit follows: neither could become a request.
    if (c == '0' && colon == 0) {
      return bad(400, fmt::format("a netstring's length has no leading zero, and a header block is not empty; got {}",
                                  quote(bytes, kShownOfStart)));
    }
    block_bytes = block_bytes * 10 + static_cast<std::size_t>(c - '0');
    if (block_bytes > block_limit) {
      return bad(431,
                 fmt::format("the header block's length of {} or more bytes is above the limit of {} (limits.head)",
                             block_bytes, block_limit));
    }
  }

  const std::size_t comma = colon + 1 + block_bytes;
  const std::size_t head_bytes = comma + 1;
  if (bytes.size() < head_bytes) return {Verdict::kIncomplete, head_bytes, 0, {}};
  if (bytes[comma] != ',') {
    return bad(400, fmt::format("expected \",\" behind the header block of {} bytes, got {}", block_bytes,
                                quote(bytes.substr(comma), kShownOfStart)));
  }
  return {Verdict::kComplete, head_bytes, 0, {}};
}

std::string canned_scgi(int status, int retry_after_seconds) {
  const std::string_view phrase = reason_phrase(status);
  const std::string body = fmt::format("{} {}\n", status, phrase);
  const std::string retry = retry_after_seconds > 0 ? fmt::format("Retry-After: {}\r\n", retry_after_seconds) : "";
  return fmt::format("Status: {} {}\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n{}\r\n{}", status, phrase,
                     body.size(), retry, body);
}

Result<std::string> probe_scgi(std::string_view method, std::string_view uri) {
  auto variables = front_variables(method, uri);
  if (!variables) return Failure(variables.error());
  variables->emplace_back("HTTP_USER_AGENT", "forklift-probe");
  return scgi_head(*variables);
}

}  // namespace

const Frame kScgiFrame{"scgi", scan_scgi, canned_scgi, probe_scgi};

}  // namespace forklift::protocol
