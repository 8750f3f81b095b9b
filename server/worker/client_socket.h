// The lent connection, as the worker uses it: never blocking in a system call but poll(2), because O_NONBLOCK and
// socket timeouts would belong to the open file, which the master holds too.
#pragma once

#include <poll.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <cstddef>
#include <span>

#include "base/clock.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "ipc/page.h"

namespace forklift::worker {

class ClientSocket {
 public:
  // Marks in `page` when the worker waits for the client, so that the master's timeouts.request spares it.
  // `half_close_is_abort`: what the listener says of a client that has ended its half (half_close).
  ClientSocket(UniqueFd fd, ipc::SharedPage& page, bool half_close_is_abort = false)
      : fd_(std::move(fd)), page_(page), half_close_is_abort_(half_close_is_abort) {}

  bool half_close_is_abort() const { return half_close_is_abort_; }

  // A plugin that has closed the connection's descriptor ends the process: the next thing that is opened would take its
  // number. The log says so, and the master answers. Everything below may do this.

  // recv(2) and sendmsg(2) without waiting. The number of bytes (recv: 0 is the client's end), or -errno. Bytes that
  // come or go count as progress.
  ssize_t receive(void* buffer, std::size_t size, int flags = 0);
  ssize_t receive(std::span<const iovec> parts);
  ssize_t send(std::span<const iovec> parts);

  // Waits until one of `events` (poll(2)) or an error is there. False when `deadline` came first.
  bool wait(short events, TimePoint deadline);

  // Takes `count` bytes, which have arrived and are known, out of the socket. Less than that if it cannot.
  std::size_t discard(std::size_t count);

  // Bytes that have arrived and were not taken, or -errno. Unix sockets only.
  ssize_t count_unread() const;
  // True once the peer sends no more: what is unread then is all that there will be.
  bool peer_has_ended() const;
  // True once nobody is there who could receive anything. On TCP a peer that has closed is only found out by sending.
  bool peer_is_gone() const;
  // From now on POLLIN means that something has arrived since it was last reported, and not that something is unread:
  // for a Unix socket, in which a byte always stays unread. May be reported once too often.
  void wait_for_arrivals() { arrivals_only_ = true; }

  // poll(2) over the connection and `others` together; the connection's own entry is the first. Returns poll's result,
  // with EINTR as 0. `activity` is what the page says meanwhile.
  int poll_with(std::span<pollfd> entries, TimePoint deadline, ipc::Activity activity);

  // The plugin has read or written something, even if no byte of the connection has moved.
  void note_progress() { page_.set_activity(ipc::Activity::kPlugin); }

  // Ends the response. Every clean close of a lent connection comes after this: the master's duplicate would hold it
  // open.
  void shut_down();
  void close();

  // The descriptor, for a plugin that sends and receives by itself, and back from it. Nobody here knows what the client
  // has got by then. take_back() ends the process, as above, also where another file stands at the number.
  int hand_over();
  void take_back();

  // Whether a byte has been sent.
  bool has_sent() const { return has_sent_; }

  int fd() const { return fd_.get(); }

 private:
  Result<void> watch_arrivals();
  [[noreturn]] void lost();

  UniqueFd fd_;
  ipc::SharedPage& page_;
  const bool half_close_is_abort_;
  bool has_sent_ = false;
  ino_t handed_over_ = 0;  // which socket it was
  bool arrivals_only_ = false;
  UniqueFd arrivals_;  // epoll(7) over the connection, edge-triggered; made when something is waited for
};

}  // namespace forklift::worker
