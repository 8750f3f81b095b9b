#include "master/farewell.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/descriptors.h"
#include "base/log.h"
#include "base/retry.h"
#include "base/socket_options.h"
#include "master/app.h"

namespace forklift::master {

namespace {

constexpr std::string_view kHeadEnd = "\r\n\r\n";

constexpr Duration kLingerTime = seconds(2);
// A front server that has begun to send a body reads the response once its socket is full, or the body out: nginx 1.22
// turned a 413 into a 502 where this ended before 4 MB were drained. Time is what bounds it; this is for a client on
// the same machine.
constexpr std::size_t kLingerBytes = 64 * 1024 * 1024;
constexpr std::size_t kDrainBytesPerTurn = 64 * 1024;

// connect(2) with AF_UNSPEC dissolves a TCP connection with a reset, whoever else holds its socket; SO_LINGER would
// wait for the last close.
bool reset_tcp(int fd) {
  const sockaddr unspecified{.sa_family = AF_UNSPEC, .sa_data = {}};
  if (::connect(fd, &unspecified, sizeof unspecified) == 0) return true;
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  return ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == 0;
}

}  // namespace

void Farewell::leave_reception(Connection& connection, ConnectionState next) {
  const bool was_pending = connection.state == ConnectionState::kReceiving ||
                           connection.state == ConnectionState::kQueued || connection.state == ConnectionState::kLent;
  if (was_pending) connection.app->tally().pending--;
  // Reception may have watched it edge-triggered, and a turn of drain() may leave bytes behind.
  if (was_pending && connection.polled) {
    loop_.poller.remove(connection.fd.get());
    connection.polled = false;
  }
  budget_.forget(connection);
  connection.state = next;
  connections_.heads().give_back(connection.head);
}

void Farewell::watch(Connection& connection) {
  if (connection.polled) return;
  const Token name = token(Watch::kConnection, connection.index, connection.serial);
  connection.polled = loop_.poller.add(connection.fd.get(), name, EPOLLIN).has_value();
}

void Farewell::close(Connection& connection) {
  // A plugin may have let the socket wait for a client that does not read. One that was reset waits for nothing.
  if (connection.lends > 0 && !connection.is_unix && connection.state != ConnectionState::kAborting) {
    forbid_lingering(connection.fd.get());
  }
  leave_reception(connection, connection.state);
  if (connection.polled) loop_.poller.remove(connection.fd.get());
  connection.polled = false;
  connection.app->tally().connections--;
  connections_.release(connection);
}

void Farewell::answer(Connection& connection, int status, int retry_after_seconds) {
  // A few hundred bytes into a buffer that nobody has written to yet; what does not fit has no reader.
  const std::string page = connection.frame->canned(status, retry_after_seconds);
  const ssize_t sent = ::send(connection.fd.get(), page.data(), page.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  const bool complete = sent == static_cast<ssize_t>(page.size());
  connection.app->note(connection, {.status = static_cast<unsigned>(status),
                                    .bytes = page.size() - (page.find(kHeadEnd) + kHeadEnd.size()),
                                    .complete = complete});
  if (!complete) return abort(connection);
  linger(connection);
}

void Farewell::linger(Connection& connection) {
  leave_reception(connection, ConnectionState::kLingering);
  ::shutdown(connection.fd.get(), SHUT_WR);
  connection.deadline.set(loop_.timers, Clock::now() + kLingerTime);
  drain(connection);
}

void Farewell::drain(Connection& connection) {
  std::array<char, 16 * 1024> scratch;
  for (std::size_t turn = 0; turn < kDrainBytesPerTurn;) {
    const ssize_t n =
        retry_interrupted([&] { return ::recv(connection.fd.get(), scratch.data(), scratch.size(), MSG_DONTWAIT); });
    if (n < 0 && errno == EAGAIN) break;
    if (n <= 0) return close(connection);
    turn += static_cast<std::size_t>(n);
    connection.drained += static_cast<std::size_t>(n);
    if (connection.drained > kLingerBytes) return close(connection);
  }
  watch(connection);
}

void Farewell::abort(Connection& connection) {
  leave_reception(connection, ConnectionState::kAborting);
  if (!connection.is_unix) {
    if (connection.polled) loop_.poller.remove(connection.fd.get());
    connection.polled = false;
    reset_tcp(connection.fd.get());
    return close(connection);
  }
  // A Unix socket is reset by closing it with unread input. The request's last byte is such input, as long as the
  // response is not complete. Where it has not come yet, the client is still sending its request: the next byte will
  // do.
  char byte = 0;
  const ssize_t n = ::recv(connection.fd.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  if (n >= 0 || errno != EAGAIN) return close(connection);
  connection.deadline.set(loop_.timers, Clock::now() + kLingerTime);
  watch(connection);
}

// The worker may sleep in a call on the socket, in the kernel, and whoever makes another waits for that one, without a
// deadline and without signals, whatever its flags say. All but close(2), while it is not the last one. So it is a
// process of its own that waits.
void Farewell::abort_held(Connection& connection) {
  leave_reception(connection, ConnectionState::kAborting);
  if (!connection.is_unix && ::fork() == 0) {
    const int keep[] = {connection.fd.get()};
    if (close_all_but(keep)) reset_tcp(connection.fd.get());
    ::_exit(0);
  }
  close(connection);
}

void Farewell::on_readable(Connection& connection) {
  if (connection.state == ConnectionState::kLingering) {
    drain(connection);
  } else {
    close(connection);
  }
}

}  // namespace forklift::master
