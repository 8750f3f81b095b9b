// The request's body: first the bytes that came with the lend, then those of the connection, with their deadlines.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/clock.h"
#include "worker/client_socket.h"
#include "worker/pace.h"

namespace forklift::worker {

class BodyReader {
 public:
  // `along`: the bytes behind the head that came with the lend. `unread`: how many bytes at the end of the lend are
  // still in the socket (ipc::Lend). The body has `length` bytes, whatever else may follow.
  BodyReader(ClientSocket& socket, std::string_view along, std::size_t unread, std::uint64_t length, PaceLimits limits);

  // At most `size` bytes of the body. 0 at its end; FORKLIFT_EAGAIN if nothing is there and `wait` is false;
  // FORKLIFT_ESHORT, FORKLIFT_ETIMEOUT, FORKLIFT_EGONE, which stay.
  std::int64_t read(void* buffer, std::size_t size, bool wait);

  std::uint64_t length() const { return length_; }

  // The error that has ended the body; 0 if there is none.
  int error() const { return error_; }
  // Ends the body with an error that was found outside (a wait that came to its deadline).
  void fail(int error) { error_ = error; }

  // True when read() has something to say, as far as that is known without waiting: on TCP, only poll(2) can tell of
  // bytes in the connection.
  bool is_ready() const;
  // After poll(2) has reported the connection readable: true if read() has something to say now.
  bool has_arrived() const;
  // Until when the client has to send something; counted from the first time that nothing was there.
  TimePoint stall_deadline() { return pace_.deadline(delivered_); }
  // Behind each wait that was to end at stall_deadline(): all of it was the client's time.
  void note_waited() { pace_.note_waited(); }

  // To be called before a wait for the body: takes the byte that a Unix socket keeps, unless the response has begun.
  // `may_end_early`: the wait may end although nothing of the body has come, so that the response may begin next.
  void make_room(bool may_end_early);

  // False while a close would not reset the connection: room was made, and nothing has come since.
  bool can_reset() const;
  // To be called before the first byte of a response whose end only a clean close shows: has it wait for the client's
  // next byte until can_reset(). 0; FORKLIFT_EAGAIN if `wait` is false; or the error that has ended the body.
  int prepare_reset(bool wait);

  // After the response: takes the request's last bytes out of the socket if the whole request has come, so that closing
  // does not reset the connection. False if bytes of the client are, or may be, still to come.
  bool settle();

 private:
  std::int64_t receive(char* buffer, std::size_t size);
  std::int64_t receive_all_but_one(char* buffer, std::size_t size);
  std::size_t count_fresh() const;  // bytes in the socket that were not delivered; Unix sockets only
  // Takes bytes that were delivered already out of the socket, until `left` of them are still in it.
  bool take_unread(std::size_t left);

  ClientSocket& socket_;
  std::string_view along_;
  std::size_t unread_;
  const bool keeps_unread_;  // a Unix socket: one byte of what has arrived stays in it until the response is complete
  const std::uint64_t length_;
  Pace pace_;
  const bool surplus_;  // more came along than belongs to the body
  std::uint64_t delivered_ = 0;
  int error_ = 0;
};

}  // namespace forklift::worker
