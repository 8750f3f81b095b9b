#include "worker/client_socket.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace forklift::worker {

namespace {

template <typename Call>
ssize_t retry_interrupted(Call call) {
  while (true) {
    const ssize_t n = call();
    if (n >= 0) return n;
    if (errno != EINTR) return -errno;
  }
}

int milliseconds_until(TimePoint deadline) {
  if (deadline == kNever) return -1;
  const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now()).count();
  return static_cast<int>(std::clamp<long long>(left, 0, 24LL * 3600 * 1000));
}

}  // namespace

ssize_t ClientSocket::receive(void* buffer, std::size_t size, int flags) {
  const ssize_t n = retry_interrupted([&] { return ::recv(fd_.get(), buffer, size, flags | MSG_DONTWAIT); });
  if (n > 0) page_.set_activity(ipc::Activity::kPlugin);
  return n;
}

ssize_t ClientSocket::send(std::span<const iovec> parts) {
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(parts.data());
  message.msg_iovlen = parts.size();
  const ssize_t n = retry_interrupted([&] { return ::sendmsg(fd_.get(), &message, MSG_NOSIGNAL | MSG_DONTWAIT); });
  if (n > 0) page_.set_activity(ipc::Activity::kPlugin);
  return n;
}

bool ClientSocket::wait(short events, TimePoint deadline) {
  pollfd entry{fd_.get(), events, 0};
  while (true) {
    const int ready = poll_with({&entry, 1}, deadline, ipc::Activity::kClient);
    if (ready > 0) return true;
    if (Clock::now() >= deadline) return false;
  }
}

int ClientSocket::poll_with(std::span<pollfd> entries, TimePoint deadline, ipc::Activity activity) {
  // A plugin that waits for its own descriptors makes no progress, however often it does.
  const bool for_client = activity == ipc::Activity::kClient;
  if (for_client) page_.set_activity(ipc::Activity::kClient);
  const int ready = ::poll(entries.data(), entries.size(), milliseconds_until(deadline));
  const int result = ready < 0 && errno == EINTR ? 0 : ready;
  if (for_client) page_.set_activity(ipc::Activity::kPlugin);
  return result;
}

bool ClientSocket::is_gone() const {
  pollfd entry{fd_.get(), 0, 0};
  return ::poll(&entry, 1, 0) == 1 && (entry.revents & (POLLHUP | POLLERR)) != 0;
}

void ClientSocket::shut_down() { ::shutdown(fd_.get(), SHUT_WR); }

}  // namespace forklift::worker
