#include "harness/connection.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <vector>

namespace harness {
namespace {

constexpr std::size_t kBufferBytes = 256 * 1024;

// Waits for `events` or an error; false after the deadline.
bool await(int fd, short events, const Deadline& deadline, short* revents = nullptr) {
  pollfd poll_fd{fd, events, 0};
  for (;;) {
    const int ready = poll(&poll_fd, 1, deadline.poll_timeout());
    if (ready < 0 && errno == EINTR) continue;
    if (revents != nullptr) *revents = poll_fd.revents;
    return ready > 0;
  }
}

bool would_block(ssize_t result) {
  return result < 0 && (errno == EAGAIN || errno == EINTR);
}

// What remains to be sent of a head and a body that is made piece by piece.
class Outgoing {
 public:
  Outgoing(std::string_view head, const Body& body) : body_(body), buffer_(head) {}

  bool done() const { return given_up_ || (position_ == buffer_.size() && offset_ == body_.size); }
  // A reset is told once, and send(2) may be the one that is told; recv(2) then says that this is the end.
  bool was_reset() const { return was_reset_; }

  void send_some(int fd) {
    if (position_ == buffer_.size()) refill();
    const ssize_t n = ::send(fd, buffer_.data() + position_, buffer_.size() - position_, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n >= 0) {
      position_ += static_cast<std::size_t>(n);
    } else if (!would_block(n)) {
      given_up_ = true;
      was_reset_ = errno == ECONNRESET;
    }
  }

 private:
  void refill() {
    buffer_.resize(std::min<std::uint64_t>(kBufferBytes, body_.size - offset_));
    body_.fill(offset_, buffer_.data(), buffer_.size());
    offset_ += buffer_.size();
    position_ = 0;
  }

  const Body& body_;
  std::string buffer_;
  std::size_t position_ = 0;  // in buffer_
  std::uint64_t offset_ = 0;  // of the body that is not yet in buffer_
  bool given_up_ = false;
  bool was_reset_ = false;
};

}  // namespace

Connection Connection::to(const Endpoint& endpoint) {
  UniqueFd fd = connect_to(endpoint);
  if (!fd) throw std::system_error(errno, std::generic_category(), "connect to " + endpoint.to_string());
  return Connection(std::move(fd));
}

bool Connection::send(std::string_view bytes, milliseconds patience) {
  return send_in_pieces(bytes, std::max<std::size_t>(bytes.size(), 1), patience);
}

bool Connection::send_in_pieces(std::string_view bytes, std::size_t piece_bytes, milliseconds patience) {
  const Deadline deadline(patience);
  while (!bytes.empty()) {
    if (!await(fd(), POLLOUT, deadline)) return false;
    const ssize_t n = ::send(fd(), bytes.data(), std::min(piece_bytes, bytes.size()), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(n));
    } else if (!would_block(n)) {
      return false;
    }
  }
  return true;
}

Response Connection::exchange(std::string_view head, const Body& body, ResponseReader reader, milliseconds patience) {
  const Deadline deadline(patience);
  Outgoing outgoing(head, body);
  std::vector<char> buffer(kBufferBytes);
  for (;;) {
    const short events = static_cast<short>(outgoing.done() ? POLLIN : POLLIN | POLLOUT);
    short revents = 0;
    if (!await(fd(), events, deadline, &revents)) return reader.finish(Ending::kTimeout);
    // An error wakes us without POLLIN; recv(2) then tells which.
    if (revents & ~POLLOUT) {
      const ssize_t n = recv(fd(), buffer.data(), buffer.size(), MSG_DONTWAIT);
      if (n == 0) return reader.finish(outgoing.was_reset() ? Ending::kReset : Ending::kEof);
      if (n > 0) reader.feed({buffer.data(), static_cast<std::size_t>(n)});
      if (n < 0 && !would_block(n)) return reader.finish(Ending::kReset);
    }
    if (!outgoing.done() && (revents & POLLOUT)) outgoing.send_some(fd());
  }
}

Response Connection::receive(ResponseReader reader, milliseconds patience) {
  return exchange({}, Body{}, std::move(reader), patience);
}

std::string Connection::receive_some(std::size_t max_bytes, milliseconds patience) {
  const Deadline deadline(patience);
  std::string bytes(max_bytes, '\0');
  while (await(fd(), POLLIN, deadline)) {
    const ssize_t n = recv(fd(), bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (would_block(n)) continue;
    bytes.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    return bytes;
  }
  return {};
}

void Connection::shut_down_sending() {
  shutdown(fd(), SHUT_WR);
}

void Connection::reset() {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  setsockopt(fd(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  fd_.reset();
}

}  // namespace harness
