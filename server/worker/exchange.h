// One request as the plugin sees it: the C tables of forklift/plugin.h over the request, its body and its response.
#pragma once

#include <forklift/plugin.h>

#include <string>
#include <vector>

#include "protocol/request.h"
#include "worker/body_reader.h"
#include "worker/client_socket.h"
#include "worker/response_writer.h"

namespace forklift::worker {

class Exchange {
 public:
  // All four outlive the exchange.
  Exchange(const protocol::Request& request, ClientSocket& socket, BodyReader& body, ResponseWriter& out);
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  const forklift_env* env() const { return &env_; }
  forklift_body* body() { return &body_; }
  forklift_out* out() { return &out_; }

  // What the plugin gave to out->fail; empty if nothing.
  const std::string& reason() const { return reason_; }
  // Whether the plugin was told that the client is gone (FORKLIFT_WAIT_GONE).
  bool told_gone() const { return told_gone_; }

 private:
  struct Env : forklift_env {
    const protocol::Request* request;
  };
  struct Body : forklift_body {
    Exchange* exchange;
  };
  struct Out : forklift_out {
    Exchange* exchange;
  };

  static int64_t read(forklift_body* body, void* buffer, size_t size, bool wait);
  static int begin(forklift_out* out, int status, const forklift_header* headers, size_t count);
  static int write(forklift_out* out, const void* data, size_t size);
  static int64_t try_write(forklift_out* out, const void* data, size_t size);
  static int flush(forklift_out* out);
  static int try_flush(forklift_out* out);
  static int send_file(forklift_out* out, int fd, uint64_t offset, uint64_t length);
  static void alive(forklift_out* out);
  static void fail(forklift_out* out, const char* message);
  static int wait(forklift_out* out, unsigned interest, forklift_poll* polls, size_t count, int timeout_ms);

  static ResponseWriter& writer_of(forklift_out* out) { return static_cast<Out*>(out)->exchange->writer_; }

  int wait_for(unsigned interest, forklift_poll* polls, size_t count, int timeout_ms);
  int wait_expired(unsigned interest, TimePoint body_deadline, TimePoint out_deadline);

  ClientSocket& socket_;
  BodyReader& reader_;
  ResponseWriter& writer_;
  std::vector<forklift_variable> variables_;
  Env env_{};
  Body body_{};
  Out out_{};
  std::string reason_;
  bool told_gone_ = false;
};

}  // namespace forklift::worker
