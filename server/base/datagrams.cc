#include "base/datagrams.h"

#include <sys/socket.h>

#include <cerrno>

#include "base/retry.h"

namespace forklift {

namespace {

// A line of the log of the largest size, all of it escaped, with room to spare. The kernel gives twice as much, if
// net.core.wmem_max lets it.
constexpr int kSendBufferBytes = 512 * 1024;

int send_once(int fd, std::string_view bytes) {
  const ssize_t n =
      retry_interrupted([&] { return ::send(fd, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL); });
  return n >= 0 ? 0 : errno;
}

}  // namespace

Result<Datagrams> Datagrams::connect(const std::string& path) {
  auto to = UnixAddress::of(path);
  if (!to) return Failure(to.error().in(path));
  UniqueFd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return fail_errno("socket");
  ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDBUF, &kSendBufferBytes, sizeof kSendBufferBytes);
  if (::connect(fd.get(), to->get(), to->size) != 0) return fail_errno(fmt::format("connect to {}", path));
  return Datagrams(std::move(fd), *to);
}

int Datagrams::send(std::string_view bytes) {
  const int error = send_once(fd_.get(), bytes);
  // What is left of a receiver that was closed: another may have taken its path.
  const bool is_gone = error == ECONNREFUSED || error == ECONNRESET || error == ENOTCONN || error == EPIPE;
  if (!is_gone) return error;
  return ::connect(fd_.get(), to_.get(), to_.size) == 0 ? send_once(fd_.get(), bytes) : errno;
}

}  // namespace forklift
