#include "cli/head_room.h"

#include <fmt/format.h>

#include "config/units.h"
#include "ipc/channel.h"
#include "ipc/message.h"

namespace forklift::cli {

std::string note_of_heads(std::size_t head_bytes_max, std::size_t wmem_max) {
  const std::size_t framing = sizeof(ipc::Lend) + ipc::lend_bytes_max(0);
  const std::size_t needed = ipc::Channel::wmem_max_for(framing + head_bytes_max);
  if (needed <= wmem_max) return {};
  const std::size_t most = ipc::Channel::message_bytes_max(wmem_max);
  const std::size_t kib = most > framing ? (most - framing) / 1024 : 0;
  return fmt::format(
      "{} takes a server with CAP_NET_ADMIN, which conf/forklift.service does not leave it, or net.core.wmem_max to be "
      "{} (sysctl; it is {}){}",
      config::format_size(head_bytes_max), needed, wmem_max,
      kib > 0 ? fmt::format("; else write at most {}K", kib) : "");
}

}  // namespace forklift::cli
