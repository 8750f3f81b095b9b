// The address of a Unix socket, as the kernel wants it.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <string_view>

#include "base/result.h"

namespace forklift {

struct UnixAddress {
  sockaddr_un storage{};
  socklen_t size = 0;

  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }

  // A path, or `@NAME` for an abstract one (unix(7)), as service managers write it.
  static Result<UnixAddress> of(std::string_view text);
};

}  // namespace forklift
