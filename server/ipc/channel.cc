#include "ipc/channel.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <limits>

#include "base/retry.h"
#include "base/socket_options.h"

namespace forklift::ipc {

namespace {

constexpr std::size_t kControlBytes = CMSG_SPACE(sizeof(int));

Result<int> buffer_of(int fd) {
  int granted = 0;
  socklen_t size = sizeof granted;
  if (::getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &granted, &size) != 0) return fail_errno("getsockopt(SO_SNDBUF)");
  return granted;
}

// Takes the descriptors out of the control message; all but one expected descriptor are closed again.
Result<UniqueFd> take_descriptor(msghdr& message, Wait wait) {
  UniqueFd found;
  bool surplus = false;
  for (cmsghdr* c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) {
      surplus = true;
      continue;
    }
    const std::size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof fd);
      surplus = surplus || found;
      // Who does not wait for a message is not to wait for the close of what came with it, either.
      if (wait == Wait::kNo) forbid_lingering(fd);
      found.reset(fd);
    }
  }
  if (surplus) return fail("a message carries more than one descriptor");
  return found;
}

}  // namespace

// The kernel doubles what is asked for, and reports the doubled value (socket(7)).
Result<void> Channel::make_room(int fd, std::size_t max_message_bytes) {
  const auto wanted = static_cast<int>(max_message_bytes + kPacketOverhead);
  if (::setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &wanted, sizeof wanted) != 0) {
    ::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &wanted, sizeof wanted);
  }
  const auto granted = buffer_of(fd);
  if (!granted) return Failure(granted.error());
  if (*granted < wanted) {
    return fail(
        "heads of this size need a socket buffer of {} bytes, and the kernel grants {}; lower limits.head or raise "
        "net.core.wmem_max to {}",
        wanted, *granted, wmem_max_for(max_message_bytes));
  }
  return {};
}

Result<std::size_t> Channel::wmem_max() {
  const UniqueFd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  if (!fd) return fail_errno("socket");
  const int most = std::numeric_limits<int>::max();
  if (::setsockopt(fd.get(), SOL_SOCKET, SO_SNDBUF, &most, sizeof most) != 0)
    return fail_errno("setsockopt(SO_SNDBUF)");
  const auto granted = buffer_of(fd.get());
  if (!granted) return Failure(granted.error());
  return static_cast<std::size_t>(*granted) / 2;
}

Result<std::pair<Channel, Channel>> Channel::make_pair(std::size_t max_message_bytes) {
  int fds[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0) return fail_errno("socketpair");
  std::pair<Channel, Channel> ends{Channel(UniqueFd(fds[0])), Channel(UniqueFd(fds[1]))};
  for (int fd : fds) {
    if (auto room = make_room(fd, max_message_bytes); !room) return Failure(room.error());
  }
  return ends;
}

Result<void> Channel::send(std::span<const iovec> parts, int fd, Wait wait) {
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(parts.data());
  message.msg_iovlen = parts.size();
  alignas(cmsghdr) char control[kControlBytes] = {};
  if (fd >= 0) {
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* c = CMSG_FIRSTHDR(&message);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof fd);
    std::memcpy(CMSG_DATA(c), &fd, sizeof fd);
  }
  const int flags = MSG_NOSIGNAL | (wait == Wait::kNo ? MSG_DONTWAIT : 0);
  const ssize_t n = retry_interrupted([&] { return ::sendmsg(fd_.get(), &message, flags); });
  return n >= 0 ? Result<void>() : fail_errno("sendmsg on a worker's channel");
}

Result<std::optional<Channel::Received>> Channel::receive(std::span<iovec> parts, Wait wait) {
  alignas(cmsghdr) char control[kControlBytes];
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = parts.size();
  message.msg_control = control;
  message.msg_controllen = sizeof control;

  ssize_t n = 0;
  while ((n = ::recvmsg(fd_.get(), &message, MSG_CMSG_CLOEXEC | (wait == Wait::kNo ? MSG_DONTWAIT : 0))) < 0) {
    if (errno == EAGAIN) return std::nullopt;
    // The other side is gone and had not read everything. The kernel says so once, before what that side has said: a
    // DONE may still be there, and only then comes the end.
    if (errno != EINTR && errno != ECONNRESET) return fail_errno("recvmsg on a worker's channel");
  }
  auto fd = take_descriptor(message, wait);
  if (!fd) return Failure(fd.error());
  if (message.msg_flags & MSG_TRUNC) return fail("a message is longer than the receiver allows");
  return Received{static_cast<std::size_t>(n), std::move(*fd), (message.msg_flags & MSG_CTRUNC) != 0};
}

// Both ends have the same buffer, in which the kernel counts its records too; the last message may go beyond it.
std::size_t Channel::backlog_max() const {
  int granted = 0;
  socklen_t size = sizeof granted;
  ::getsockopt(fd_.get(), SOL_SOCKET, SO_SNDBUF, &granted, &size);
  return 2 * static_cast<std::size_t>(granted);
}

void Channel::refuse_descriptors() {
  forklift::refuse_descriptors(fd_.get());
}

}  // namespace forklift::ipc
