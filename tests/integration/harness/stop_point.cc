#include "harness/stop_point.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <stdexcept>
#include <system_error>

namespace harness {

void Stopped::order(char letter) {
  // A process that has died meanwhile hears nothing, and nothing depends on it.
  (void)send(fd_.get(), &letter, 1, MSG_NOSIGNAL);
}

StopPoint::StopPoint() : path_(folder_ / "stop") {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path_.copy(address.sun_path, sizeof address.sun_path - 1);
  listener_.reset(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!listener_ || bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      listen(listener_.get(), SOMAXCONN) != 0) {
    throw std::system_error(errno, std::generic_category(), path_);
  }
}

Stopped StopPoint::wait(milliseconds patience) {
  const Deadline deadline(patience);
  pollfd entry{listener_.get(), POLLIN, 0};
  while (poll(&entry, 1, deadline.poll_timeout()) < 1) {
    if (deadline.passed()) throw std::runtime_error("no process has come to the stop point");
  }
  forklift::UniqueFd fd(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  ucred peer{};
  socklen_t size = sizeof peer;
  if (!fd || getsockopt(fd.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
    throw std::system_error(errno, std::generic_category(), "accept at the stop point");
  }
  return Stopped(std::move(fd), peer.pid);
}

}  // namespace harness
