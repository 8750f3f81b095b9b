// A bound, listening socket.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "base/result.h"
#include "base/timers.h"
#include "base/unique_fd.h"
#include "config/config.h"
#include "protocol/frame.h"

namespace forklift::master {

class App;

class Listener {
 public:
  // Binds and listens. The address in the error is the configured one. A Unix socket's path is taken over if it is a
  // socket that nobody listens on any more; of two servers that try this at the same time, one fails. Then it may wait,
  // for a second at most.  [master]
  static Result<Listener> bind(const config::Listen& listen);

  Listener(Listener&&) = default;
  Listener& operator=(Listener&&) = default;

  int fd() const { return fd_.get(); }
  bool is_unix() const { return address_.family == config::Address::Family::kUnix; }
  const protocol::Frame& frame() const { return *frame_; }
  int backlog() const { return backlog_; }

  // With the real port.
  const config::Address& address() const { return address_; }

  // Takes the path of a Unix socket out of the file system, if it is still ours, so that nobody connects any more. What
  // has connected already can still be accepted.
  void unlink();

  // Unlinks and closes; the kernel resets what was not accepted.
  void close();

 private:
  Listener(UniqueFd fd, config::Address address, const protocol::Frame& frame)
      : fd_(std::move(fd)), address_(std::move(address)), frame_(&frame) {}

  UniqueFd fd_;
  config::Address address_;
  const protocol::Frame* frame_;
  int backlog_ = 0;
  dev_t device_ = 0;  // of the path, to tell our socket from one that has taken its place
  ino_t inode_ = 0;
};

}  // namespace forklift::master
