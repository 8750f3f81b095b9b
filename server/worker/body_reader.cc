#include "worker/body_reader.h"

#include <forklift/plugin.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace forklift::worker {

namespace {

// A client that has sent less of the body finds room whatever stays unread: by default (net.core.wmem_default) a
// quarter of its buffer is 52 KiB.
constexpr std::uint64_t kNeedsNoRoom = 16 * 1024;

}  // namespace

BodyReader::BodyReader(ClientSocket& socket, std::string_view along, std::size_t unread, std::uint64_t length,
                       PaceLimits limits)
    : socket_(socket),
      along_(along.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(along.size(), length)))),
      unread_(unread),
      keeps_unread_(unread > 0),
      length_(length),
      pace_(limits),
      surplus_(along.size() > length) {
  if (keeps_unread_) socket_.wait_for_arrivals();
}

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

  while (true) {
    const std::int64_t n = receive(static_cast<char*>(buffer), size);
    if (n > 0) {
      delivered_ += static_cast<std::uint64_t>(n);
      pace_.note_progress();
      return n;
    }
    if (n == 0) return error_ = FORKLIFT_ESHORT;
    if (n != -EAGAIN) return error_ = FORKLIFT_EGONE;
    const TimePoint deadline = stall_deadline();
    if (!wait) return Clock::now() < deadline ? FORKLIFT_EAGAIN : (error_ = FORKLIFT_ETIMEOUT);
    make_room(false);
    const bool has_come = socket_.wait(POLLIN, deadline);
    note_waited();
    if (!has_come) return error_ = FORKLIFT_ETIMEOUT;
  }
}

std::int64_t BodyReader::receive(char* buffer, std::size_t size) {
  const std::size_t wanted = static_cast<std::size_t>(std::min<std::uint64_t>(size, length_ - delivered_));
  return keeps_unread_ ? receive_all_but_one(buffer, wanted) : socket_.receive(buffer, wanted);
}

// On a Unix socket one byte of those that have arrived always stays unread. Then the last close resets the connection,
// and a worker that dies in the middle of its response cannot pass for one that has finished it. Where everything that
// is there is wanted, its last byte is only peeked.
std::int64_t BodyReader::receive_all_but_one(char* buffer, std::size_t size) {
  if (!take_unread(1)) return -ECONNRESET;
  std::size_t fresh = count_fresh();
  if (fresh == 0) {
    if (!socket_.peer_has_ended()) return -EAGAIN;
    if ((fresh = count_fresh()) == 0) return 0;
  }
  // The byte that was kept so far comes first.
  const std::size_t kept = unread_;
  const std::size_t taken = fresh > size ? size : fresh - 1;
  char before = 0;
  const iovec parts[] = {{&before, kept}, {buffer, taken}};
  if (kept + taken > 0 && socket_.receive(parts) != static_cast<ssize_t>(kept + taken)) return -ECONNRESET;
  unread_ = 0;
  if (fresh > size) return static_cast<std::int64_t>(taken);
  if (socket_.receive(buffer + taken, 1, MSG_PEEK) != 1) return -ECONNRESET;
  unread_ = 1;
  return static_cast<std::int64_t>(fresh);
}

// The kernel charges the sender for the whole piece in which the kept byte came, and calls its side writable only while
// it is charged for at most a quarter of its buffer (unix_writable() in net/unix/af_unix.c). What sendfile(2) has sent
// is one piece, however large it is, and lighttpd sends bodies so: it would wait in epoll for us, and we for it. As
// long as nothing of the response is sent, the byte is not needed: the master can still answer. But what begins before
// the next byte has come has to wait for it (prepare_reset), and a client that talks with the plugin in turns waits for
// the response. So after a small piece, which leaves it room, no wait that may end early takes the byte.
void BodyReader::make_room(bool may_end_early) {
  if (may_end_early && delivered_ < kNeedsNoRoom) return;
  if (keeps_unread_ && along_.empty() && delivered_ < length_ && !socket_.has_sent()) take_unread(0);
}

bool BodyReader::can_reset() const {
  return !keeps_unread_ || unread_ > 0 || count_fresh() > 0;
}

int BodyReader::prepare_reset(bool wait) {
  while (!can_reset()) {
    if (error_ != 0) return error_;
    if (socket_.peer_has_ended() && !can_reset()) return error_ = FORKLIFT_ESHORT;
    const TimePoint deadline = stall_deadline();
    if (Clock::now() >= deadline) return error_ = FORKLIFT_ETIMEOUT;
    if (!wait) return FORKLIFT_EAGAIN;
    socket_.wait(POLLIN, deadline);
    note_waited();
  }
  return FORKLIFT_OK;
}

std::size_t BodyReader::count_fresh() const {
  const ssize_t queued = socket_.count_unread();
  return queued > static_cast<ssize_t>(unread_) ? static_cast<std::size_t>(queued) - unread_ : 0;
}

bool BodyReader::is_ready() const {
  return error_ != 0 || delivered_ == length_ || !along_.empty() || (keeps_unread_ && has_arrived());
}

bool BodyReader::has_arrived() const {
  return !keeps_unread_ || count_fresh() > 0 || socket_.peer_has_ended();
}

bool BodyReader::take_unread(std::size_t left) {
  if (unread_ > left) unread_ -= socket_.discard(unread_ - left);
  return unread_ <= left;
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
