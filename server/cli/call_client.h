// The client of `forklift call`: the other end of the connection that the plugin's host is lent.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "base/result.h"
#include "base/unique_fd.h"
#include "protocol/response_head.h"

namespace forklift::cli {

// What the client has got.
struct Received {
  std::optional<protocol::ResponseHead> head;
  std::string problem;  // why there is none; empty if the connection ended in it
};

// Called on the client's thread. False: the client wants no more, and leaves.
struct Reader {
  std::function<bool(const protocol::ResponseHead&)> head;
  std::function<bool(std::string_view)> body;  // a piece, as it comes
};

// Sends a body and reads a response, at the same time and on a thread of its own, so that the plugin has the main
// thread for itself as in a worker. The thread takes no signals.
class CallClient {
 public:
  CallClient() = default;
  CallClient(const CallClient&) = delete;
  CallClient& operator=(const CallClient&) = delete;
  ~CallClient();

  // Connects, and returns the end that the host is lent. `body` and `reader` live until finish() has returned.
  Result<UniqueFd> start(std::string_view body, const Reader& reader);

  // To be called when the host has ended its connection: reads what is left. The client can be started again then.
  Received finish();

 private:
  void run(std::string_view body, const Reader& reader);
  // False: enough.
  bool take(std::string_view bytes, const Reader& reader);

  UniqueFd connection_;
  std::thread thread_;
  std::string block_;  // the head as far as it has come
  Received received_;
};

}  // namespace forklift::cli
