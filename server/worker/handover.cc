#include "worker/handover.h"

#include <algorithm>

namespace forklift::worker {

Handover divide(const ipc::Lend& lend, std::string_view bytes, std::uint64_t content_length) {
  const std::string_view head = bytes.substr(0, lend.head_bytes);
  const std::size_t along = bytes.size() - head.size();
  if (along > content_length) {
    const std::size_t surplus = along - static_cast<std::size_t>(content_length);
    return {bytes.substr(0, bytes.size() - surplus), std::min<std::size_t>(lend.unread, surplus)};
  }
  const std::size_t kept = std::min<std::size_t>(lend.unread, 1);
  if (content_length == 0) return {head, kept};
  if (along == 0) return {head, 0};
  return {bytes.substr(0, bytes.size() - kept), kept};
}

}  // namespace forklift::worker
