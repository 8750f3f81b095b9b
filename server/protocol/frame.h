// Where a request's head ends: all that the master knows of a protocol.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace forklift::protocol {

// The verdict on the bytes that have arrived so far.
struct HeadScan {
  enum class Verdict { kIncomplete, kComplete, kBad };
  Verdict verdict = Verdict::kIncomplete;

  // kComplete: the head is bytes[0, head_bytes); what follows belongs to the body.
  // kIncomplete: the size that the head will have, if it is known already; else 0.
  std::size_t head_bytes = 0;

  // kBad: the answer's status (400, 431) and the reason for the log, which names what is wrong and where.
  int status = 0;
  std::string reason;
};

// A protocol, as a table of pure functions without state. Any split of the same bytes gives the same verdict in the
// end, and a wrong byte is found when it arrives, not when the head is complete.
struct Frame {
  std::string_view name;

  // `bytes` is all that has arrived, from the request's first byte. A header block of more than `head_limit` bytes is
  // kBad with 431 as soon as its length is known; the few bytes of a protocol's own punctuation around it do not count.
  // The more has arrived, the more a reason may say (what the bytes look like); the verdict and the status stay the
  // same. Called whenever bytes arrive: its cost does not grow with them, and only kBad allocates.
  HeadScan (*scan)(std::string_view bytes, std::size_t head_limit);

  // A complete response with this status and a short text page. `retry_after_seconds` > 0 adds Retry-After.
  std::string (*canned)(int status, int retry_after_seconds);

  // A whole request without a body, with the variables of protocol/front.h. The error says what no front server would
  // hand on.
  Result<std::string> (*probe)(std::string_view method, std::string_view uri);
};

extern const Frame kScgiFrame;

// What bytes that are not the expected protocol look like: "HTTP", "TLS", "FastCGI", "PROXY protocol", "uwsgi"; empty
// if nothing known, or if too few have arrived to say.
std::string_view guess_protocol(std::string_view bytes);

}  // namespace forklift::protocol
