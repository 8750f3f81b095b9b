// The response on its way to the client: its head is checked, its beginning buffered, its end marked so that nobody
// takes half a page for a whole one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "ipc/page.h"
#include "protocol/response_head.h"
#include "worker/body_reader.h"
#include "worker/client_socket.h"
#include "worker/pace.h"

namespace forklift::worker {

class ResponseWriter {
 public:
  // `method`: the request's, which decides whether there is a body. `body`: the request's, which a response that
  // may be cut off has to leave resettable (BodyReader::prepare_reset); null if there is none.
  ResponseWriter(ClientSocket& socket, ipc::SharedPage& page, std::string_view method, PaceLimits limits,
                 BodyReader* body = nullptr);

  // forklift_out's functions of the same names: 0 or a count, or FORKLIFT_E... An error stays.
  int begin(protocol::ResponseHead head);
  int write(std::string_view data);
  std::int64_t try_write(std::string_view data);
  int flush(bool wait = true);  // without `wait`: try_flush
  int send_file(int file, std::uint64_t offset, std::uint64_t length);

  // Sends all that is left. A response that was never flushed gets its Content-Length here.
  int finish();

  // Sends a whole response that was made elsewhere, instead of what is buffered. Only before anything was sent.
  int replace(std::string_view response, int status);

  // True once a byte of the response may have reached the client: from here on an error is an abort.
  bool started() const { return started_; }
  // The error that has ended the response; 0 if there is none. Its reason is for the log.
  int error() const { return error_; }
  const std::string& problem() const { return problem_; }
  // Ends the response with an error, as one that was found outside (a wait that came to its deadline). The first one
  // stays; the result is the one that stands.
  int fail(int error, std::string problem);

  int status() const { return head_.status; }
  std::size_t head_bytes() const { return head_bytes_; }  // as sent; 0 before

  // True when try_write() would take something without looking at the connection.
  bool has_room() const;
  // True when nothing is buffered, or nothing more will be sent.
  bool is_flushed() const;
  // True while what is buffered waits for the next byte of the request's body, and not for room.
  bool waits_for_body() const;
  // Until when the client has to take something; counted from the first time that there was no room.
  TimePoint stall_deadline() { return pace_.deadline(taken_); }
  // Behind each wait that was to end at stall_deadline(): all of it was the client's time.
  void note_waited() { pace_.note_waited(); }

 private:
  enum class Stage { kHead, kBody };

  int take_head(std::string_view& data);
  int set_head(protocol::ResponseHead head);
  int account(std::uint64_t size);
  bool shows_its_end() const;
  void compose_head();
  // Sends head, buffer and `data`, in this order; what was sent of `data` is cut off its front. 0, or FORKLIFT_EAGAIN
  // (only if `wait` is false), or an error.
  int send(std::string_view& data, bool wait);
  void drop_sent();

  ClientSocket& socket_;
  ipc::SharedPage& page_;
  const std::string_view method_;
  BodyReader* const body_;

  Stage stage_ = Stage::kHead;
  std::string block_;  // the CGI header block as far as it has come
  std::size_t block_scanned_ = 0;
  protocol::ResponseHead head_;
  bool drops_body_ = false;       // HEAD, 204, 304
  std::uint64_t body_bytes_ = 0;  // written by the plugin
  std::string composed_;          // head for the wire
  bool composed_done_ = false;
  bool is_all_here_ = false;  // what is still to be sent is the whole response
  std::size_t head_bytes_ = 0;
  std::string buffer_;    // body that waits to be sent
  std::size_t sent_ = 0;  // of composed_ + buffer_
  bool started_ = false;
  Pace pace_;
  std::uint64_t taken_ = 0;  // by the connection, head and body
  int error_ = 0;
  std::string problem_;
};

}  // namespace forklift::worker
