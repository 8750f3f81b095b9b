#include "master/listener.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/clock.h"
#include "base/socket_options.h"

namespace forklift::master {

namespace {

using Family = config::Address::Family;

constexpr mode_t kPathMode = 0660;

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;

  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

Result<SocketAddress> to_socket_address(const config::Address& address) {
  SocketAddress result;
  if (address.family == Family::kTcp4) {
    auto& in = reinterpret_cast<sockaddr_in&>(result.storage);
    in.sin_family = AF_INET;
    in.sin_port = htons(address.port);
    result.size = sizeof in;
    if (::inet_pton(AF_INET, address.host.c_str(), &in.sin_addr) != 1) return fail("not an IPv4 address");
  } else if (address.family == Family::kTcp6) {
    auto& in = reinterpret_cast<sockaddr_in6&>(result.storage);
    in.sin6_family = AF_INET6;
    in.sin6_port = htons(address.port);
    result.size = sizeof in;
    if (::inet_pton(AF_INET6, address.host.c_str(), &in.sin6_addr) != 1) return fail("not an IPv6 address");
  } else {
    auto& un = reinterpret_cast<sockaddr_un&>(result.storage);
    un.sun_family = AF_UNIX;
    if (address.path.size() >= sizeof un.sun_path) return fail("the path is longer than a Unix socket's may be");
    std::memcpy(un.sun_path, address.path.c_str(), address.path.size() + 1);
    result.size = sizeof un;
  }
  return result;
}

void enable(int fd, int level, int option) {
  const int on = 1;
  ::setsockopt(fd, level, option, &on, sizeof on);
}

// Between finding a path stale and taking it, another server may do the same, and one of the two would listen on a path
// that leads to the other. So the folder is locked meanwhile, which no server does for longer than an instant: one that
// is locked for a second, by somebody else for his own reasons, or that this user may not read, is done without.
UniqueFd lock_folder_of(const std::string& path) {
  constexpr Duration kPatience = seconds(1);
  const std::string folder = std::filesystem::path(path).parent_path().string();
  UniqueFd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const TimePoint deadline = Clock::now() + kPatience;
  while (fd && ::flock(fd.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK && Clock::now() < deadline) {
    ::poll(nullptr, 0, 10);
  }
  return fd;
}

// Removes the socket that a killed master has left behind; anything else at the path is somebody's.
Result<void> clear_stale_path(const config::Address& address, SocketAddress& to) {
  struct stat status {};
  if (::lstat(address.path.c_str(), &status) != 0) {
    return errno == ENOENT ? Result<void>{} : fail_errno("lstat");
  }
  if (!S_ISSOCK(status.st_mode))
    return fail("there is a file at this path that is no socket; remove it or listen elsewhere");
  UniqueFd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!probe) return fail_errno("socket");
  if (::connect(probe.get(), to.get(), to.size) == 0 || errno == EAGAIN) {
    return fail("another server is listening there");
  }
  if (errno != ECONNREFUSED) return fail_errno("connect");
  if (::unlink(address.path.c_str()) != 0 && errno != ENOENT) return fail_errno("unlink");
  return {};
}

Result<std::uint16_t> bound_port(int fd) {
  SocketAddress address;
  address.size = sizeof address.storage;
  if (::getsockname(fd, address.get(), &address.size) != 0) return fail_errno("getsockname");
  // The port stands at the same place in both families.
  return ntohs(reinterpret_cast<sockaddr_in&>(address.storage).sin_port);
}

// A Unix socket's path is for its owner and its group, whatever umask the server was started with, and at no moment for
// more.
int bind_with_mode(int fd, SocketAddress& to) {
  const mode_t before = ::umask(~kPathMode & 0777);
  const int result = ::bind(fd, to.get(), to.size);
  const int error = errno;
  ::umask(before);
  errno = error;
  return result;
}

Result<UniqueFd> open_and_bind(const config::Listen& listen) {
  const config::Address& address = listen.address;
  auto to = to_socket_address(address);
  if (!to) return Failure(to.error());
  UniqueFd fd(::socket(to->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return fail_errno("socket");
  UniqueFd folder;  // locked until the socket listens
  if (address.family == Family::kUnix) {
    refuse_descriptors(fd.get());
    folder = lock_folder_of(address.path);
    if (auto cleared = clear_stale_path(address, *to); !cleared) return Failure(cleared.error());
  } else {
    enable(fd.get(), SOL_SOCKET, SO_REUSEADDR);
    // Accepted connections inherit it: a response that is flushed in pieces is not to wait for acknowledgements.
    enable(fd.get(), IPPROTO_TCP, TCP_NODELAY);
    if (address.family == Family::kTcp6) enable(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY);
  }
  if (bind_with_mode(fd.get(), *to) != 0) return fail_errno("bind");
  if (::listen(fd.get(), listen.backlog) != 0) return fail_errno("listen");
  return fd;
}

}  // namespace

Result<Listener> Listener::bind(const config::Listen& listen) {
  const auto in_context = [&](const Error& error) {
    return Failure(error.in(fmt::format("listen on {}", listen.address.to_string())));
  };
  auto fd = open_and_bind(listen);
  if (!fd) return in_context(fd.error());
  Listener listener(std::move(*fd), listen.address, protocol::kScgiFrame);
  listener.backlog_ = listen.backlog;
  if (listener.is_unix()) {
    struct stat status {};
    if (::lstat(listen.address.path.c_str(), &status) == 0) {
      listener.device_ = status.st_dev;
      listener.inode_ = status.st_ino;
    }
  } else {
    auto port = bound_port(listener.fd());
    if (!port) return in_context(port.error());
    listener.address_.port = *port;
  }
  return listener;
}

void Listener::unlink() {
  if (!is_unix()) return;
  struct stat status {};
  const char* path = address_.path.c_str();
  if (::lstat(path, &status) == 0 && status.st_dev == device_ && status.st_ino == inode_) ::unlink(path);
}

void Listener::close() {
  unlink();
  fd_.reset();
}

}  // namespace forklift::master
