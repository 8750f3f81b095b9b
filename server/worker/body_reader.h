// The request's body: first the bytes that came with the lend, then those of the connection, with their deadlines.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/clock.h"
#include "worker/client_socket.h"

namespace forklift::worker {

struct BodyLimits {
  Duration timeout{};      // timeouts.body: without progress; 0 = off
  std::uint64_t rate = 0;  // limits.body_rate: bytes a second on average, once `timeout` has passed; 0 = off
};

class BodyReader {
 public:
  // `along`: the bytes behind the head that came with the lend. `unread`: how many bytes at the end of the lend are still in
  // the socket (ipc::Lend). The body has `length` bytes, whatever else may follow.
  BodyReader(ClientSocket& socket, std::string_view along, std::size_t unread, std::uint64_t length, BodyLimits limits);

  // At most `size` bytes of the body. 0 at its end; FORKLIFT_EAGAIN if nothing is there and `wait` is false; FORKLIFT_ESHORT,
  // FORKLIFT_ETIMEOUT, FORKLIFT_EGONE, which stay.
  std::int64_t read(void* buffer, std::size_t size, bool wait);

  std::uint64_t length() const { return length_; }

  // The error that has ended the body; 0 if there is none.
  int error() const { return error_; }
  // Ends the body with an error that was found outside (a wait that came to its deadline).
  void fail(int error) { error_ = error; }

  // True when read() has something to say without looking at the connection.
  bool is_ready() const { return error_ != 0 || delivered_ == length_ || !along_.empty(); }
  // True when the next byte has to come from the connection. Takes out of the socket what was only peeked, so that poll(2)
  // tells of new bytes only.
  bool prepare_wait();
  // Until when the client has to send something; counted from the first time that nothing was there.
  TimePoint stall_deadline();

  // After the response: takes the request's last bytes out of the socket if the whole request has come, so that closing
  // does not reset the connection. False if bytes of the client are, or may be, still to come.
  bool settle();

 private:
  bool take_unread();
  std::int64_t receive(char* buffer, std::size_t size);

  ClientSocket& socket_;
  std::string_view along_;
  std::size_t unread_;
  const bool keeps_unread_;  // a Unix socket: the last byte stays in the socket until the response is complete
  const std::uint64_t length_;
  const BodyLimits limits_;
  const TimePoint started_;
  const bool surplus_;  // more came along than belongs to the body
  std::uint64_t delivered_ = 0;
  TimePoint stalled_since_ = kNever;
  int error_ = 0;
};

}  // namespace forklift::worker
