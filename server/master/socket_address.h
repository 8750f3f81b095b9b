// Between a listener's address as it is configured and as the kernel has it.
#pragma once

#include <sys/socket.h>

#include "base/result.h"
#include "config/config.h"

namespace forklift::master {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;

  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

// Not for Family::kSystemd.
Result<SocketAddress> to_socket_address(const config::Address& address);

// Where the socket is bound: with the real port. The name of an abstract Unix socket has an `@` in front.
Result<config::Address> bound_address(int fd);

}  // namespace forklift::master
