// A client's connection: bytes out and bytes in, at the same time where it must be, with a deadline on everything.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "base/unique_fd.h"
#include "harness/body.h"
#include "harness/endpoint.h"
#include "harness/response.h"
#include "harness/waiting.h"

namespace harness {

class Connection {
 public:
  // Throws if nobody listens; a test that expects this asks connect_to() itself.
  static Connection to(const Endpoint& endpoint);

  explicit Connection(UniqueFd fd) : fd_(std::move(fd)) {}

  // Sends all of `bytes`; false if the other side is gone or does not take them in time.
  bool send(std::string_view bytes, milliseconds patience = kPatience);

  // The same in pieces of at most `piece_bytes`, one system call each.
  bool send_in_pieces(std::string_view bytes, std::size_t piece_bytes, milliseconds patience = kPatience);

  // Sends `head` and `body` while it receives until the connection's end, so that neither side waits for the other.
  // Stops sending, and says nothing about it, when the other side takes no more: servers may answer early.
  Response exchange(std::string_view head, const Body& body, ResponseReader reader, milliseconds patience = kPatience);

  // Receives until the connection's end.
  Response receive(ResponseReader reader, milliseconds patience = kPatience);

  // Receives what is there, at least one byte and at most `max_bytes`; empty at the end, on a reset and after the
  // deadline.
  std::string receive_some(std::size_t max_bytes, milliseconds patience = kPatience);

  // Ends our half: the other side sees the end of the file, and may still answer.
  void shut_down_sending();

  // Closes. reset() does it without a farewell: on TCP the other side gets ECONNRESET.
  void close() { fd_.reset(); }
  void reset();

  int fd() const { return fd_.get(); }

 private:
  UniqueFd fd_;
};

}  // namespace harness
