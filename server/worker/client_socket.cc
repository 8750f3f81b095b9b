#include "worker/client_socket.h"

#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <vector>

#include "base/log.h"
#include "base/retry.h"

namespace forklift::worker {

namespace {

template <typename Call>
ssize_t or_error(Call call) {
  const ssize_t n = retry_interrupted(call);
  return n >= 0 ? n : -errno;
}

// Another file may stand at its number by now.
bool is_no_socket(ssize_t result) {
  return result == -EBADF || result == -ENOTSOCK;
}

// Sockets are numbered by the kernel, all in one file system. 0 for what is none.
ino_t inode_of(int fd) {
  struct stat status {};
  return ::fstat(fd, &status) == 0 && S_ISSOCK(status.st_mode) ? status.st_ino : 0;
}

}  // namespace

ssize_t ClientSocket::receive(void* buffer, std::size_t size, int flags) {
  const ssize_t n = or_error([&] { return ::recv(fd_.get(), buffer, size, flags | MSG_DONTWAIT); });
  if (is_no_socket(n)) lost();
  if (n > 0) note_progress();
  return n;
}

ssize_t ClientSocket::receive(std::span<const iovec> parts) {
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(parts.data());
  message.msg_iovlen = parts.size();
  const ssize_t n = or_error([&] { return ::recvmsg(fd_.get(), &message, MSG_DONTWAIT); });
  if (is_no_socket(n)) lost();
  if (n > 0) note_progress();
  return n;
}

ssize_t ClientSocket::send(std::span<const iovec> parts) {
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(parts.data());
  message.msg_iovlen = parts.size();
  const ssize_t n = or_error([&] { return ::sendmsg(fd_.get(), &message, MSG_NOSIGNAL | MSG_DONTWAIT); });
  if (is_no_socket(n)) lost();
  if (n > 0) has_sent_ = true;
  if (n > 0) note_progress();
  return n;
}

std::size_t ClientSocket::discard(std::size_t count) {
  std::array<char, 16 * 1024> scratch;
  std::size_t taken = 0;
  while (taken < count) {
    const ssize_t n = receive(scratch.data(), std::min(scratch.size(), count - taken));
    if (n <= 0) break;
    taken += static_cast<std::size_t>(n);
  }
  return taken;
}

bool ClientSocket::wait(short events, TimePoint deadline) {
  pollfd entry{fd_.get(), events, 0};
  while (true) {
    const int ready = poll_with({&entry, 1}, deadline, ipc::Activity::kClient);
    if (ready > 0) return true;
    if (Clock::now() >= deadline) return false;
  }
}

ssize_t ClientSocket::count_unread() const {
  int bytes = 0;
  return ::ioctl(fd_.get(), FIONREAD, &bytes) == 0 ? bytes : -errno;
}

bool ClientSocket::peer_has_ended() const {
  pollfd entry{fd_.get(), POLLRDHUP, 0};
  return ::poll(&entry, 1, 0) == 1 && (entry.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

bool ClientSocket::peer_is_gone() const {
  pollfd entry{fd_.get(), 0, 0};
  return ::poll(&entry, 1, 0) == 1 && (entry.revents & (POLLHUP | POLLERR)) != 0;
}

// poll(2) cannot tell new bytes from the one that stays unread, and would never wait. An edge-triggered epoll can, and
// is itself something that poll(2) waits for.
Result<void> ClientSocket::watch_arrivals() {
  if (arrivals_) return {};
  arrivals_.reset(::epoll_create1(EPOLL_CLOEXEC));
  if (!arrivals_) return fail_errno("epoll_create1");
  epoll_event event{};
  event.events = EPOLLIN | EPOLLRDHUP | EPOLLET;
  if (::epoll_ctl(arrivals_.get(), EPOLL_CTL_ADD, fd_.get(), &event) != 0) return fail_errno("epoll_ctl");
  return {};
}

int ClientSocket::poll_with(std::span<pollfd> entries, TimePoint deadline, ipc::Activity activity) {
  std::vector<pollfd> watched(entries.begin(), entries.end());
  if (arrivals_only_ && (entries[0].events & POLLIN) && watch_arrivals()) {
    watched[0].events &= static_cast<short>(~POLLIN);
    watched.push_back({arrivals_.get(), POLLIN, 0});
  }
  // A plugin that waits for its own descriptors makes no progress, however often it does.
  const bool for_client = activity == ipc::Activity::kClient;
  if (for_client) page_.set_activity(ipc::Activity::kClient);
  const int ready = ::poll(watched.data(), watched.size(), milliseconds_until(deadline));
  const int result = ready < 0 && errno == EINTR ? 0 : ready;
  if (for_client) page_.set_activity(ipc::Activity::kPlugin);

  if (watched[0].revents & POLLNVAL) lost();
  for (std::size_t i = 0; i < entries.size(); ++i) entries[i].revents = watched[i].revents;
  if (watched.size() > entries.size() && watched.back().revents != 0) {
    epoll_event event{};
    ::epoll_wait(arrivals_.get(), &event, 1, 0);
    entries[0].revents |= POLLIN;
  }
  return result;
}

// Without DONE, and with a page that says what the client has got: the master answers 502, or aborts.
void ClientSocket::lost() {
  if (!has_sent_) page_.set_response(ipc::ResponseState::kNone);
  log::error("leaves: the plugin has closed the descriptor of its connection ({}), which is not its own", fd_.get());
  std::fflush(nullptr);
  ::_exit(1);
}

int ClientSocket::hand_over() {
  handed_over_ = inode_of(fd_.get());
  has_sent_ = true;
  return fd_.get();
}

void ClientSocket::take_back() {
  if (inode_of(fd_.get()) != handed_over_) lost();
}

void ClientSocket::close() {
  arrivals_.reset();
  fd_.reset();
}

void ClientSocket::shut_down() {
  if (::shutdown(fd_.get(), SHUT_WR) != 0 && is_no_socket(-errno)) lost();
}

}  // namespace forklift::worker
