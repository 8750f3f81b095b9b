#include "cli/call_client.h"

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <utility>

#include "cli/quiet_thread.h"

namespace forklift::cli {

namespace {

// Longer than any head that a front server takes.
constexpr std::size_t kHeadBytesMax = 1024 * 1024;

bool is_passing(int code) {
  return code == EAGAIN || code == EINTR;
}

}  // namespace

CallClient::~CallClient() {
  if (thread_.joinable()) finish();
}

Result<UniqueFd> CallClient::start(std::string_view body, const Reader& reader) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return fail_errno("socketpair");
  connection_.reset(ends[0]);
  UniqueFd host(ends[1]);
  block_.clear();
  received_ = {};
  thread_ = start_quiet_thread([this, body, &reader] { run(body, reader); });
  return host;
}

Received CallClient::finish() {
  // A process that the plugin has forked may hold the connection open. What was sent is read all the same.
  ::shutdown(connection_.get(), SHUT_RD);
  thread_.join();
  connection_.reset();
  return std::move(received_);
}

void CallClient::run(std::string_view body, const Reader& reader) {
  std::array<char, 64 * 1024> buffer;
  pollfd entry{connection_.get(), 0, 0};
  while (true) {
    entry.events = static_cast<short>(POLLIN | (body.empty() ? 0 : POLLOUT));
    if (::poll(&entry, 1, -1) < 0) continue;
    if (!body.empty() && (entry.revents & ~POLLIN) != 0) {
      const ssize_t n = ::send(entry.fd, body.data(), body.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (n > 0) body.remove_prefix(static_cast<std::size_t>(n));
      if (n < 0 && !is_passing(errno)) body = {};  // nobody wants the rest
    }
    if ((entry.revents & ~POLLOUT) == 0) continue;
    const ssize_t n = ::recv(entry.fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (n < 0 && is_passing(errno)) continue;
    // A reset comes behind all that was sent. Whether it is one, the host knows.
    if (n <= 0) return;
    if (!take({buffer.data(), static_cast<std::size_t>(n)}, reader)) {
      ::shutdown(entry.fd, SHUT_RDWR);
      return;
    }
  }
}

bool CallClient::take(std::string_view bytes, const Reader& reader) {
  if (received_.head) return reader.body(bytes);
  const std::size_t scanned = block_.size();
  block_ += bytes;
  const std::size_t end = protocol::find_block_end(block_, scanned);
  if (end == std::string::npos) {
    if (block_.size() <= kHeadBytesMax) return true;
    received_.problem = "its header block has no end";
    return false;
  }
  auto head = protocol::parse_cgi_head(std::string_view(block_).substr(0, end));
  if (!head) {
    received_.problem = std::move(head.error());
    return false;
  }
  received_.head = std::move(*head);
  const std::string_view rest = std::string_view(block_).substr(end);
  return reader.head(*received_.head) && (rest.empty() || reader.body(rest));
}

}  // namespace forklift::cli
