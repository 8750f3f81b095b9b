#include "base/unix_address.h"

#include <cstddef>

namespace forklift {

Result<UnixAddress> UnixAddress::of(std::string_view text) {
  UnixAddress address;
  address.storage.sun_family = AF_UNIX;
  if (text.size() >= sizeof address.storage.sun_path) return fail("the path is longer than a Unix socket's may be");
  text.copy(address.storage.sun_path, text.size());
  address.size = sizeof address.storage;
  if (text.starts_with('@')) {
    // Its length ends an abstract name, and not a zero: a zero would be part of it.
    address.storage.sun_path[0] = '\0';
    address.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + text.size());
  }
  return address;
}

}  // namespace forklift
