// A connection between a client and a worker, over each kind of socket that a listener can have.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/unique_fd.h"

namespace forklift::worker {

enum class Kind { kUnix, kTcp };

inline std::string kind_name(const ::testing::TestParamInfo<Kind>& info) {
  return info.param == Kind::kUnix ? "Unix" : "Tcp";
}

// Polls `condition` until it holds; false after a time that no machine needs.
template <typename Condition>
bool eventually(Condition condition) {
  const TimePoint deadline = Clock::now() + seconds(10);
  while (!condition()) {
    if (Clock::now() >= deadline) return false;
    ::poll(nullptr, 0, 1);
  }
  return true;
}

// What a client has received: all bytes up to the end, and whether that end was a reset.
struct Page {
  std::string bytes;
  bool reset = false;
};

class Line {
 public:
  explicit Line(Kind kind) : kind_(kind) {
    if (kind == Kind::kUnix) {
      int ends[2];
      if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) std::abort();
      client_.reset(ends[0]);
      server_.reset(ends[1]);
    } else {
      const UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
      sockaddr_in address{};
      address.sin_family = AF_INET;
      address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      socklen_t size = sizeof address;
      auto* const name = reinterpret_cast<sockaddr*>(&address);
      client_.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
      if (::bind(listener.get(), name, size) != 0 || ::listen(listener.get(), 1) != 0 ||
          ::getsockname(listener.get(), name, &size) != 0 || ::connect(client_.get(), name, size) != 0) {
        std::abort();
      }
      server_.reset(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    }
  }

  Kind kind() const { return kind_; }

  // ---- the client ----

  // Sends, and waits until all of it stands in the server's socket.
  void send(std::string_view bytes) {
    const int before = unread();
    ASSERT_EQ(::send(client_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
    ASSERT_TRUE(eventually([&] { return unread() == before + static_cast<int>(bytes.size()); }));
  }
  // Ends its sending side; the server sees it at its return.
  void half_close() {
    ::shutdown(client_.get(), SHUT_WR);
    wait_for(POLLRDHUP);
  }
  void close() {
    client_.reset();
    wait_for(POLLRDHUP);
  }
  void reset() {
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(client_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    client_.reset();
    wait_for(POLLHUP);
  }
  // Reads what is there, at most `most` bytes, without waiting.
  std::string read_some(std::size_t most) {
    std::string bytes(most, '\0');
    const ssize_t n = ::recv(client_.get(), bytes.data(), most, MSG_DONTWAIT);
    bytes.resize(static_cast<std::size_t>(n > 0 ? n : 0));
    return bytes;
  }
  // Reads to the end of the response.
  Page read_all() {
    Page page;
    const TimePoint deadline = Clock::now() + seconds(20);
    while (Clock::now() < deadline) {
      pollfd ready{client_.get(), POLLIN, 0};
      if (::poll(&ready, 1, 1000) != 1) continue;
      char buffer[65536];
      const ssize_t n = ::recv(client_.get(), buffer, sizeof buffer, MSG_DONTWAIT);
      if (n < 0 && errno == EAGAIN) continue;
      page.reset = n < 0;
      if (n <= 0) return page;
      page.bytes.append(buffer, static_cast<std::size_t>(n));
    }
    ADD_FAILURE() << "the response does not end; so far: " << page.bytes.substr(0, 200);
    return page;
  }
  int client() const { return client_.get(); }

  // ---- the server ----

  // The worker's descriptor: a duplicate, as the master lends it.
  UniqueFd lend() const { return UniqueFd(::fcntl(server_.get(), F_DUPFD_CLOEXEC, 0)); }
  // Bytes that stand in the server's socket, peeked at or not.
  int unread() const {
    int bytes = 0;
    ::ioctl(server_.get(), FIONREAD, &bytes);
    return bytes;
  }
  // Takes bytes out of the socket, as reception does.
  std::string take(std::size_t size) {
    std::string bytes(size, '\0');
    if (size > 0) {
      EXPECT_EQ(::recv(server_.get(), bytes.data(), size, MSG_DONTWAIT), static_cast<ssize_t>(size));
    }
    return bytes;
  }
  // Makes the buffers between server and client small. On TCP not as small as they get: below a few segments the kernel
  // only sends when its timers say so.
  void narrow() const {
    const int bytes = kind_ == Kind::kUnix ? 1 : 128 * 1024;
    ::setsockopt(server_.get(), SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    ::setsockopt(client_.get(), SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
  }
  int server() const { return server_.get(); }
  void close_server() { server_.reset(); }

 private:
  void wait_for(short event) const {
    pollfd entry{server_.get(), event, 0};
    EXPECT_EQ(::poll(&entry, 1, 10'000), 1);
  }

  Kind kind_;
  UniqueFd client_;
  UniqueFd server_;
};

}  // namespace forklift::worker
