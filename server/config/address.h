// What `listen` names: from its text to addresses, and which two of them cannot be bound at the same time.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/config.h"

namespace forklift::config {

// Reads `4000` (127.0.0.1), `HOST:PORT`, `unix:PATH` or `systemd:NAME`. HOST is numeric, as the master has no resolver,
// or `localhost`: that is one address for each family, but only IPv4 with port 0, which would be two different ports.
// Paths are relative to `folder`. Numeric hosts come back in one spelling: `[0:0::1]:80` is `[::1]:80`.
Result<std::vector<Address>> parse_address(std::string_view text, const std::string& folder);

// Whether the path is short enough for a Unix socket.
Result<void> check_unix_path(const std::string& path);

// `127.0.0.1:4000` -> `0.0.0.0:4000`: the address that takes the same port from all hosts of the family. TCP only.
Address wildcard_of(const Address& address);

}  // namespace forklift::config
