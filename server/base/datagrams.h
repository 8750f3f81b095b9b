// Datagrams to a service of this machine (syslog, journal, service manager), without ever waiting for it.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"
#include "base/unix_address.h"

namespace forklift {

class Datagrams {
 public:
  // `path` as in UnixAddress. Fails if nobody receives there.
  static Result<Datagrams> connect(const std::string& path);

  // Sends one datagram. 0, or the errno of what went wrong: EAGAIN where the receiver has no room just now. A service
  // that was restarted since is found again.
  int send(std::string_view bytes);

 private:
  Datagrams(UniqueFd fd, UnixAddress to) : fd_(std::move(fd)), to_(to) {}

  UniqueFd fd_;
  UnixAddress to_;
};

}  // namespace forklift
