// A command's talk with a running server, through its control socket.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "base/unique_fd.h"

namespace forklift::cli {

class Conversation {
 public:
  // Connects to the server that listens at `path` and asks: `request` is a line without its newline. Takes five seconds
  // at most. The error says whether no server runs there, or this user may not ask.
  static Result<Conversation> begin(const std::string& path, std::string_view request);

  // The server's next line, without its newline; nullopt when it has closed. The error: nothing came within `patience`,
  // or what came is too long for any server.
  Result<std::optional<std::string>> next_line(Duration patience);

 private:
  static constexpr std::size_t kLineBytesMax = std::size_t{256} << 20;

  explicit Conversation(UniqueFd fd) : fd_(std::move(fd)) {}

  UniqueFd fd_;
  std::string received_;
};

}  // namespace forklift::cli
