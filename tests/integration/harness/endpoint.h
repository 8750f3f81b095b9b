// An address that somebody listens on.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/unique_fd.h"

namespace harness {

using forklift::UniqueFd;

struct Endpoint {
  std::string host;        // TCP: numeric, without brackets
  std::uint16_t port = 0;  // TCP
  std::string path;        // Unix socket; empty for TCP

  bool is_unix() const { return !path.empty(); }

  // `127.0.0.1:4000`, `[::1]:4000` or `unix:/run/app.sock`, as Forklift's log and nginx's configuration write it. The
  // first throws if it is none of these.
  static Endpoint parse(std::string_view text);
  std::string to_string() const;
};

// A socket connected to `endpoint`; empty, and errno says why, if there is none to be had.
UniqueFd connect_to(const Endpoint& endpoint);

// A TCP port of 127.0.0.1 that was free a moment ago, below those that the kernel gives to clients. Two callers may get
// the same one: whoever binds it has to be ready to try another.
std::uint16_t free_port();

}  // namespace harness
