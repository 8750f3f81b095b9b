#include "master/socket_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <array>
#include <cstddef>
#include <cstring>

#include "base/unix_address.h"

namespace forklift::master {

namespace {

using Family = config::Address::Family;

template <typename Address>
config::Address from_tcp(Family family, int af, const Address& host, in_port_t port) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  ::inet_ntop(af, &host, text.data(), text.size());
  return {.family = family, .host = text.data(), .port = ntohs(port), .path = {}};
}

config::Address from_unix(const sockaddr_un& address, socklen_t size) {
  const std::size_t bytes = size - std::min<std::size_t>(size, offsetof(sockaddr_un, sun_path));
  const bool is_abstract = bytes > 0 && address.sun_path[0] == '\0';
  std::string path(address.sun_path, is_abstract ? bytes : ::strnlen(address.sun_path, bytes));
  if (is_abstract) path[0] = '@';
  return {.family = Family::kUnix, .host = {}, .port = 0, .path = std::move(path)};
}

}  // namespace

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
    auto un = UnixAddress::of(address.path);
    if (!un) return Failure(un.error());
    std::memcpy(&result.storage, &un->storage, un->size);
    result.size = un->size;
  }
  return result;
}

Result<config::Address> bound_address(int fd) {
  SocketAddress address;
  address.size = sizeof address.storage;
  if (::getsockname(fd, address.get(), &address.size) != 0) return fail_errno("getsockname");
  switch (address.storage.ss_family) {
    case AF_INET: {
      const auto& in = reinterpret_cast<const sockaddr_in&>(address.storage);
      return from_tcp(Family::kTcp4, AF_INET, in.sin_addr, in.sin_port);
    }
    case AF_INET6: {
      const auto& in = reinterpret_cast<const sockaddr_in6&>(address.storage);
      return from_tcp(Family::kTcp6, AF_INET6, in.sin6_addr, in.sin6_port);
    }
    case AF_UNIX: return from_unix(reinterpret_cast<const sockaddr_un&>(address.storage), address.size);
    default: return fail("neither a TCP nor a Unix socket");
  }
}

}  // namespace forklift::master
