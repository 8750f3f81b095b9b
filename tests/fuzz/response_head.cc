// The head of a response, as a plugin may write it. Each input is read twice: as a CGI header block with what follows
// it, and as the arguments of begin(): a status, a phrase, and then names and values, with NULs between them.
#include "protocol/response_head.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "invariant.h"
#include "unit/protocol/scgi_text.h"

namespace forklift::fuzz {
namespace {

using protocol::ExactBytes;
using protocol::ResponseHead;

std::size_t find_block_end_bytewise(std::string_view bytes) {
  for (std::size_t arrived = 1; arrived <= bytes.size(); ++arrived) {
    const ExactBytes exact(bytes.substr(0, arrived));
    const std::size_t end = protocol::find_block_end(exact.view(), arrived - 1);
    if (end != bytes.npos) return end;
  }
  return bytes.npos;
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view kBlanks = " \t";
  const std::size_t first = std::min(text.find_first_not_of(kBlanks), text.size());
  return text.substr(first, text.find_last_not_of(kBlanks) + 1 - first);
}

// Around a value or a phrase, blanks are no part of it.
bool means_the_same(const ResponseHead& head, const ResponseHead& again) {
  const std::string_view phrase = head.reason.empty() ? protocol::reason_phrase(head.status) : head.reason;
  const auto same_header = [](const auto& a, const auto& b) {
    return a.first == b.first && trim(a.second) == b.second;
  };
  return head.status == again.status && trim(phrase) == again.reason && head.content_length == again.content_length &&
         std::equal(head.headers.begin(), head.headers.end(), again.headers.begin(), again.headers.end(), same_header);
}

// What was accepted is written as a block that means the same: nothing in it ends a line, or the block, too early.
void require_writable(const ResponseHead& head) {
  std::string written;
  protocol::write_scgi_head(head, written);
  require(protocol::find_block_end(written) == written.size(), "the block that was written ends elsewhere");
  const auto again = protocol::parse_cgi_head(written);
  require(again.has_value(), again ? "" : again.error());
  require(means_the_same(head, *again), "what was written means something else");
}

void try_block(std::string_view bytes) {
  const std::size_t end = protocol::find_block_end(bytes);
  require(end == find_block_end_bytewise(bytes), "the block ends elsewhere when it arrives byte by byte");
  require(end == bytes.npos || end <= bytes.size(), "the block ends beyond what has arrived");
  const ExactBytes block(bytes.substr(0, end));
  const auto head = protocol::parse_cgi_head(block.view());
  if (!head) return require_reason(head.error());
  require(end != bytes.npos, "a block without an end was accepted");
  require(protocol::check(*head).has_value(), "parsed, but not fit to be sent");
  require(head->content_length == protocol::declared_length(*head), "the length is not the declared one");
  require_writable(*head);
}

void try_call(std::string_view bytes) {
  const auto next = [&bytes] {
    const std::string_view argument = bytes.substr(0, bytes.find('\0'));
    bytes.remove_prefix(std::min(argument.size() + 1, bytes.size()));
    return std::string(argument);
  };
  ResponseHead head;
  const std::string status = next();
  head.status = static_cast<int>(std::strtol(status.c_str(), nullptr, 10));
  head.reason = next();
  while (!bytes.empty()) {
    std::string name = next();
    head.headers.emplace_back(std::move(name), next());
  }
  if (const auto good = protocol::check(head); !good) return require_reason(good.error());
  head.content_length = protocol::declared_length(head);
  require_writable(head);
}

}  // namespace
}  // namespace forklift::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  forklift::fuzz::try_block(bytes);
  forklift::fuzz::try_call(bytes);
  return 0;
}
