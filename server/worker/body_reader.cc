#include "worker/body_reader.h"

#include <forklift/plugin.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace forklift::worker {

namespace {

// A year: far from where the sum of times would overflow, however large the body and however low the rate.
constexpr std::uint64_t kLongestSeconds = 365 * 24 * 3600;

}  // namespace

BodyReader::BodyReader(ClientSocket& socket, std::string_view along, std::size_t unread, std::uint64_t length,
                       BodyLimits limits)
    : socket_(socket),
      along_(along.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(along.size(), length)))),
      unread_(unread),
      keeps_unread_(unread > 0),
      length_(length),
      limits_(limits),
      started_(Clock::now()),
      surplus_(along.size() > length) {}

std::int64_t BodyReader::read(void* buffer, std::size_t size, bool wait) {
  if (error_ != 0) return error_;
  if (delivered_ == length_ || size == 0) return 0;
  if (!along_.empty()) {
    const std::size_t n = std::min(size, along_.size());
    std::memcpy(buffer, along_.data(), n);
    along_.remove_prefix(n);
    delivered_ += n;
    return static_cast<std::int64_t>(n);
  }
  if (!prepare_wait()) return error_;

  while (true) {
    const std::int64_t n = receive(static_cast<char*>(buffer), size);
    if (n > 0) {
      delivered_ += static_cast<std::uint64_t>(n);
      stalled_since_ = kNever;
      return n;
    }
    if (n == 0) return error_ = FORKLIFT_ESHORT;
    if (n != -EAGAIN) return error_ = FORKLIFT_EGONE;
    const TimePoint deadline = stall_deadline();
    if (!wait) return Clock::now() < deadline ? FORKLIFT_EAGAIN : (error_ = FORKLIFT_ETIMEOUT);
    if (!socket_.wait(POLLIN, deadline)) return error_ = FORKLIFT_ETIMEOUT;
  }
}

// On a Unix socket the last byte of the request is only peeked: as long as it is unread, the last close resets the connection,
// and a worker that dies in the middle of its response cannot pass for one that has finished it.
std::int64_t BodyReader::receive(char* buffer, std::size_t size) {
  const std::uint64_t remaining = length_ - delivered_;
  if (!keeps_unread_) return socket_.receive(buffer, static_cast<std::size_t>(std::min<std::uint64_t>(size, remaining)));

  std::int64_t taken = 0;
  if (remaining > 1) {
    taken = socket_.receive(buffer, static_cast<std::size_t>(std::min<std::uint64_t>(size, remaining - 1)));
    const bool last_is_next = taken > 0 && static_cast<std::uint64_t>(taken) == remaining - 1;
    if (!last_is_next || static_cast<std::size_t>(taken) == size) return taken;
  }
  const std::int64_t last = socket_.receive(buffer + taken, 1, MSG_PEEK);
  if (last == 1) unread_ = 1;
  return taken > 0 ? taken + std::max<std::int64_t>(last, 0) : last;
}

bool BodyReader::prepare_wait() {
  if (unread_ == 0 || take_unread()) return true;
  error_ = FORKLIFT_EGONE;
  return false;
}

bool BodyReader::take_unread() {
  std::array<char, 16 * 1024> scratch;
  while (unread_ > 0) {
    const ssize_t n = socket_.receive(scratch.data(), std::min(scratch.size(), unread_));
    if (n <= 0) return false;
    unread_ -= static_cast<std::size_t>(n);
  }
  return true;
}

TimePoint BodyReader::stall_deadline() {
  if (limits_.timeout == Duration::zero()) return kNever;
  if (stalled_since_ == kNever) stalled_since_ = Clock::now();
  const TimePoint progress = stalled_since_ + limits_.timeout;
  if (limits_.rate == 0) return progress;
  // On average `rate` bytes a second, once `timeout` has passed: byte by byte for ever is not progress.
  const auto earned = seconds(std::min<std::uint64_t>(delivered_ / limits_.rate, kLongestSeconds));
  return std::min(progress, started_ + limits_.timeout + earned);
}

// Asks for one byte more than the request still has in the socket, which tells in the same call whether more has come.
bool BodyReader::settle() {
  const bool all_here = error_ == 0 && delivered_ + along_.size() == length_;
  if (!all_here || surplus_) return false;
  std::array<char, 16 * 1024> scratch;
  while (true) {
    const std::size_t asked = std::min(scratch.size(), unread_ + 1);
    const ssize_t n = socket_.receive(scratch.data(), asked);
    if (n <= 0) return unread_ == 0;
    const auto taken = static_cast<std::size_t>(n);
    if (taken > unread_) return false;
    unread_ -= taken;
    if (unread_ == 0 && taken < asked) return true;
  }
}

}  // namespace forklift::worker
