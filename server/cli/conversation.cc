#include "cli/conversation.h"

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>

#include "base/unix_address.h"

namespace forklift::cli {

namespace {

constexpr Duration kConnectPatience = seconds(5);
constexpr int kRetryMilliseconds = 10;

Failure explain(int code) {
  switch (code) {
    case ENOENT:
    case ECONNREFUSED: return fail("no server runs there");
    case EACCES:
    case EPERM: return fail("only root and the user who has started the server may control it");
    case EAGAIN: return fail("the server does not take connections");
    default: return fail_errno("connect", code);
  }
}

// A Unix socket's connect(2) never waits: where the backlog is full, it has to be asked again.
Result<UniqueFd> connect_to(const std::string& path, TimePoint deadline) {
  auto address = UnixAddress::of(path);
  if (!address) return Failure(address.error());
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return fail_errno("socket");
  while (::connect(fd.get(), address->get(), address->size) != 0) {
    const int code = errno;
    if ((code != EAGAIN && code != EINTR) || Clock::now() >= deadline) return explain(code);
    ::poll(nullptr, 0, kRetryMilliseconds);
  }
  return fd;
}

}  // namespace

Result<Conversation> Conversation::begin(const std::string& path, std::string_view request) {
  const TimePoint deadline = Clock::now() + kConnectPatience;
  auto fd = connect_to(path, deadline);
  if (!fd) return Failure(fd.error());
  // A new socket has room for it. One that is closed already has an answer for us: why.
  const std::string line = std::string(request) + "\n";
  if (::send(fd->get(), line.data(), line.size(), MSG_NOSIGNAL) < 0 && errno != EPIPE && errno != ECONNRESET) {
    return fail_errno("send");
  }
  return Conversation(std::move(*fd));
}

Result<std::optional<std::string>> Conversation::next_line(Duration patience) {
  const TimePoint deadline = Clock::now() + patience;
  std::size_t searched = 0;
  while (true) {
    if (const std::size_t end = received_.find('\n', searched); end != std::string::npos) {
      std::string line = received_.substr(0, end);
      received_.erase(0, end + 1);
      return line;
    }
    searched = received_.size();
    if (searched > kLineBytesMax) return fail("the answer has more than {} MiB", kLineBytesMax >> 20);
    std::array<char, 65536> buffer;
    const ssize_t n = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
    if (n > 0) {
      received_.append(buffer.data(), static_cast<std::size_t>(n));
      continue;
    }
    // A reset, too: the server has closed without reading everything.
    if (n == 0 || errno == ECONNRESET) return std::nullopt;
    if (errno != EAGAIN && errno != EINTR) return fail_errno("recv");
    pollfd entry{fd_.get(), POLLIN, 0};
    if (::poll(&entry, 1, milliseconds_until(deadline)) == 0) {
      return fail("the server has not answered for {} s", std::chrono::ceil<seconds>(patience).count());
    }
  }
}

}  // namespace forklift::cli
