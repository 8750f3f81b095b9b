// The SCGI frame and the parser behind it. Each input is tried twice: as what arrives, and as the header block inside a
// netstring, since hardly any mutant is one by itself.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "invariant.h"
#include "protocol/frame.h"
#include "protocol/request.h"
#include "unit/protocol/scgi_text.h"
#include "unit/protocol/soundness.h"

namespace forklift::fuzz {
namespace {

using protocol::ExactBytes;
using protocol::HeadScan;
using Verdict = HeadScan::Verdict;

// Low enough for short inputs to pass them.
constexpr std::size_t kHeadLimit = 256;
constexpr protocol::RequestLimits kLimits{.body = 1'000'000, .variables = 50};

void require_sound(const HeadScan& scan, std::size_t arrived) {
  switch (scan.verdict) {
    case Verdict::kIncomplete:
      require(scan.head_bytes == 0 || scan.head_bytes > arrived, "incomplete, and yet all of it is there");
      break;
    case Verdict::kComplete:
      require(scan.head_bytes > 0 && scan.head_bytes <= arrived, "complete beyond what has arrived");
      break;
    case Verdict::kBad:
      require(scan.status == 400 || scan.status == 431, "refused with an unknown status");
      require_reason(scan.reason);
      break;
  }
}

// The verdict, asked for after each byte: it comes once, and stays.
HeadScan scan_bytewise(std::string_view bytes) {
  // Behind a verdict, only what a reason shows of the bytes still changes. To ask on would take most of the time.
  constexpr std::size_t kAskedBehindVerdict = 50;
  HeadScan before;
  std::size_t undecided = 0;
  for (std::size_t arrived = 0; arrived <= bytes.size(); ++arrived) {
    if (arrived > undecided + kAskedBehindVerdict) arrived = bytes.size();
    const ExactBytes exact(bytes.substr(0, arrived));
    HeadScan now = protocol::kScgiFrame.scan(exact.view(), kHeadLimit);
    require_sound(now, arrived);
    if (before.verdict != Verdict::kIncomplete) {
      require(now.verdict == before.verdict && now.status == before.status, "a verdict has changed");
    } else if (now.verdict == Verdict::kComplete) {
      require(now.head_bytes == arrived, "the head's end was overlooked");
    }
    if (before.head_bytes != 0 && now.verdict != Verdict::kBad) {
      require(now.head_bytes == before.head_bytes, "the head's size has changed");
    }
    if (now.verdict == Verdict::kIncomplete) undecided = arrived;
    before = std::move(now);
  }
  return before;
}

// `is_head`: the frame has delimited it, or would have if it were shorter, so it may be a request. Nothing else may.
void parse(std::string_view bytes, bool is_head) {
  const ExactBytes exact(bytes);
  protocol::Request request;
  const auto parsed = protocol::parse_scgi_head(exact.view(), kLimits, request);
  if (parsed) {
    require(is_head, "the parser has accepted what the frame has not");
    const std::string wrong = find_unsoundness(request, exact.view(), kLimits);
    return require(wrong.empty(), wrong);
  }
  const int status = parsed.error().status;
  require(status == 400 || status == 413 || status == 431, "refused with an unknown status");
  require_reason(parsed.error().reason);
}

void try_bytes(std::string_view bytes) {
  const HeadScan scan = scan_bytewise(bytes);
  const bool is_complete = scan.verdict == Verdict::kComplete;
  parse(is_complete ? bytes.substr(0, scan.head_bytes) : bytes, is_complete || scan.status == 431);
}

}  // namespace
}  // namespace forklift::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  forklift::fuzz::try_bytes(bytes);
  forklift::fuzz::try_bytes(forklift::protocol::netstring(bytes));
  return 0;
}
