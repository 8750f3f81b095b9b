// One end of the connection between master and worker: a SEQPACKET socket pair (unix(7)) that keeps the borders of
// messages, carries descriptors (SCM_RIGHTS), and tells each side by its end that the other is gone.
#pragma once

#include <sys/uio.h>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

#include "base/result.h"
#include "base/unique_fd.h"

namespace forklift::ipc {

enum class Wait { kYes, kNo };

class Channel {
 public:
  Channel() = default;
  explicit Channel(UniqueFd fd) : fd_(std::move(fd)) {}

  // Two ends, close-on-exec, that take messages of up to `max_message_bytes`. Fails where the kernel's limit for socket
  // buffers (net.core.wmem_max) does not allow that, which does not hold for a process with CAP_NET_ADMIN.
  static Result<std::pair<Channel, Channel>> make_pair(std::size_t max_message_bytes);

  // That limit, found out by trying: a container may not see it in /proc. And what it has to be for such messages, and
  // the largest ones that it allows.
  static Result<std::size_t> wmem_max();
  static constexpr std::size_t wmem_max_for(std::size_t max_message_bytes) {
    return (max_message_bytes + kPacketOverhead + 1) / 2;
  }
  static constexpr std::size_t message_bytes_max(std::size_t wmem_max) {
    return std::max(2 * wmem_max, kPacketOverhead) - kPacketOverhead;
  }

  // Sends one message, made of all parts, with a duplicate of the descriptor `fd` unless that is -1. Wait::kNo fails
  // with EAGAIN instead of waiting. EPIPE or ECONNRESET: the other side is gone.
  Result<void> send(std::span<const iovec> parts, int fd, Wait wait);

  // `struct`, `struct + text`.
  template <typename Message>
  Result<void> send(const Message& message, std::string_view text = {}, int fd = -1, Wait wait = Wait::kYes) {
    static_assert(std::is_trivially_copyable_v<Message>);
    const iovec parts[] = {{const_cast<Message*>(&message), sizeof message},
                           {const_cast<char*>(text.data()), text.size()}};
    return send(parts, fd, wait);
  }

  struct Received {
    std::size_t bytes = 0;  // 0: the other side is gone
    UniqueFd fd;            // close-on-exec; empty if none came
    bool lost_fd = false;   // one came, but this process has too many open
  };

  // Receives one message into `parts`. nullopt: none is there (Wait::kNo). A message that is longer than `parts`, or
  // that carries anything but one descriptor, is an error.
  Result<std::optional<Received>> receive(std::span<iovec> parts, Wait wait);

  // What the other side can have said at most that was not received yet: in bytes, with kMessageCost for each message.
  std::size_t backlog_max() const;
  static constexpr std::size_t kMessageCost = 512;  // the kernel's records of one are larger

  // From now on the other side can send no descriptors (base/socket_options.h).
  void refuse_descriptors();

  int fd() const { return fd_.get(); }
  void close() { fd_.reset(); }

 private:
  // Room for the kernel's own record of each packet, beside the payload that it counts against the socket's buffer.
  static constexpr std::size_t kPacketOverhead = 4096;

  static Result<void> make_room(int fd, std::size_t max_message_bytes);

  UniqueFd fd_;
};

}  // namespace forklift::ipc
