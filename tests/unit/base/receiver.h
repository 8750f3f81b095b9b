// A service that takes datagrams at a Unix socket: syslog, the journal, a service manager.
#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <cerrno>
#include <string>

#include "base/unique_fd.h"
#include "base/unix_address.h"

namespace forklift {

class Receiver {
 public:
  explicit Receiver(const std::string& path) {
    auto address = UnixAddress::of(path);
    fd_.reset(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    EXPECT_EQ(::bind(fd_.get(), address->get(), address->size), 0) << path << ": " << describe_errno(errno);
  }

  // The next datagram that has come; empty if there is none.
  std::string take() const {
    std::string bytes(1 << 20, '\0');
    const ssize_t n = ::recv(fd_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
    bytes.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    return bytes;
  }

  void close() { fd_.reset(); }

 private:
  UniqueFd fd_;
};

}  // namespace forklift
