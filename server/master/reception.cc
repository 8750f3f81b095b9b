#include "master/reception.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/log.h"
#include "ipc/message.h"
#include "master/app.h"
#include "master/doors.h"
#include "master/memory_reserve.h"

namespace forklift::master {

namespace {

// Per turn of the loop, so that one busy listener does not hold up the others.
constexpr int kAcceptBatch = 64;

constexpr std::size_t kFirstBuffer = 4096;

bool means_exhaustion(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

UniqueFd open_reserve() {
  return UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
}

}  // namespace

Reception::Reception(Loop& loop, ConnectionTable& connections, Farewell& farewell, ReceptionBudget& budget)
    : loop_(loop), connections_(connections), farewell_(farewell), budget_(budget), reserve_(open_reserve()) {}

bool Reception::accept_from(Door& door) {
  for (int i = 0; i < kAcceptBatch; ++i) {
    switch (accept_one(door)) {
      case Accepted::kOne: continue;
      case Accepted::kNone: return true;
      case Accepted::kExhausted: return false;
    }
  }
  return true;
}

void Reception::accept_all_from(Door& door) {
  // What waited when it began, and not what a flood adds meanwhile: the master must get back to its loop.
  for (int left = door.listener.backlog() + 1; left > 0;) {
    const Accepted accepted = accept_one(door);
    const int turned_away = accepted == Accepted::kExhausted ? turn_away(door) : 0;
    if (accepted != Accepted::kOne && turned_away == 0) return;
    left -= std::max(turned_away, 1);
  }
}

// While memory is short, only those who have left make room for others.
bool Reception::has_room() const {
  return memory_reserve::hold() || connections_.has_free();
}

Reception::Accepted Reception::accept_one(Door& door) {
  UniqueFd fd;
  if (has_room()) {
    fd.reset(::accept4(door.listener.fd(), nullptr, nullptr, SOCK_CLOEXEC));
  } else {
    errno = ENOMEM;
  }
  if (fd) {
    admit(std::move(fd), door);
    return Accepted::kOne;
  }
  if (errno == EAGAIN) return Accepted::kNone;
  if (means_exhaustion(errno)) {
    const int error = errno;
    if (exhausted_.pass(Clock::now())) {
      log::warning("app \"{}\": accept on {}: {}; trying again in half a second", door.app->name(),
                   door.listener.address().to_string(), describe_errno(error));
    }
    return Accepted::kExhausted;
  }
  // Whatever else it is (EINTR, ECONNABORTED, EPROTO, EPERM, ENETDOWN ...) belongs to that one connection (accept(2)).
  log::debug("app \"{}\": accept: {}", door.app->name(), describe_errno(errno));
  return Accepted::kOne;
}

int Reception::turn_away(Door& door) {
  int turned_away = 0;
  for (; turned_away < kAcceptBatch && has_room(); ++turned_away) {
    reserve_.reset();
    UniqueFd fd(::accept4(door.listener.fd(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!fd) break;
    Connection& connection = enter(std::move(fd), door);
    const std::uint32_t serial = connection.serial;
    farewell_.answer(connection, 503, 1);
    // No time for lingering: its descriptor is wanted for the next one.
    if (connection.serial == serial && connection.state != ConnectionState::kFree) farewell_.close(connection);
  }
  reserve_ = open_reserve();
  if (turned_away > 0) log::warning("app \"{}\": no descriptors; {} answered 503", door.app->name(), turned_away);
  return turned_away;
}

Connection& Reception::enter(UniqueFd fd, Door& door) {
  Connection& connection = connections_.acquire();
  connection.state = ConnectionState::kReceiving;
  connection.fd = std::move(fd);
  connection.is_unix = door.listener.is_unix();
  connection.half_close = door.listener.half_close();
  connection.app = door.app;
  connection.door = door.serial;
  connection.frame = &door.listener.frame();
  connection.accepted = Clock::now();
  door.app->tally().connections++;
  door.app->tally().pending++;
  return connection;
}

void Reception::admit(UniqueFd fd, Door& door) {
  Connection& connection = enter(std::move(fd), door);
  const std::size_t most = door.app->config().limits.connections;
  if (door.app->tally().connections > most) {
    if (const auto held_back = too_many_.pass(connection.accepted)) {
      log::warning("app \"{}\": more than limits.connections ({}); answered 503, as were {} before", door.app->name(),
                   most, *held_back);
    }
    return farewell_.answer(connection, 503, 1);
  }
  const config::Timeouts& timeouts = door.app->config().timeouts;
  connection.deadline.set(loop_.timers, std::min(deadline_after(connection.accepted, timeouts.head),
                                                 deadline_after(connection.accepted, timeouts.total)));

  // Most heads are here by now: then the connection never stands in the poller.
  const std::uint32_t serial = connection.serial;
  receive(connection, false);
  if (connection.serial != serial || connection.state != ConnectionState::kReceiving) return;

  // Edge-triggered where bytes are only peeked: what was seen stays readable.
  const std::uint32_t events = connection.is_unix ? EPOLLIN | EPOLLRDHUP | EPOLLET : EPOLLIN;
  auto added = loop_.poller.add(connection.fd.get(), token(Watch::kConnection, connection.index, serial), events);
  connection.polled = added.has_value();
  if (!added) {
    log::error("app \"{}\": {}; answered 503", door.app->name(), added.error().message());
    farewell_.answer(connection, 503, 1);
  }
}

void Reception::move(const Door& door, App& to) {
  connections_.for_each([&](Connection& connection) {
    const bool is_silent = connection.state == ConnectionState::kReceiving && connection.bytes == 0;
    if (connection.door != door.serial || connection.app == &to || !is_silent) return;
    App::Tally& from = connection.app->tally();
    from.connections--;
    from.pending--;
    to.tally().connections++;
    to.tally().pending++;
    connection.app = &to;
  });
}

void Reception::on_readable(Connection& connection, std::uint32_t events) {
  if (events & (EPOLLHUP | EPOLLERR)) return farewell_.close(connection);
  receive(connection, (events & EPOLLRDHUP) != 0);
}

void Reception::receive(Connection& connection, bool peer_has_ended) {
  while (receive_once(connection, peer_has_ended) == Progress::kMore) continue;
}

Reception::Progress Reception::receive_once(Connection& connection, bool peer_has_ended) {
  // Those of the first byte hold to the end: a reload may change them meanwhile.
  if (connection.bytes == 0) connection.head_limit = connection.app->config().limits.head;
  const std::size_t most = ipc::lend_bytes_max(connection.head_limit);
  if (connection.bytes == std::min(connection.head.capacity, most) && !make_room(connection, connection.bytes + 1)) {
    return Progress::kOver;
  }
  const std::size_t known = connection.bytes - connection.unread;  // and out of the socket
  const std::size_t room = std::min(connection.head.capacity, most) - known;
  char* const at = connection.head.data + known;
  const ssize_t n = ::recv(connection.fd.get(), at, room, MSG_DONTWAIT | (connection.is_unix ? MSG_PEEK : 0));
  if (n < 0 && errno == EINTR) return Progress::kMore;

  const bool nothing_new = n < 0 ? errno == EAGAIN : n > 0 && static_cast<std::size_t>(n) == connection.unread;
  if (nothing_new && !peer_has_ended) {
    if (connection.bytes == 0) {
      connections_.heads().give_back(connection.head);
      budget_.count(connection);
    }
    return Progress::kWait;
  }
  if (n <= 0 || nothing_new) {
    // It ends, or breaks, before its head is complete: nothing was asked, nothing is answered.
    farewell_.close(connection);
    return Progress::kOver;
  }

  connection.bytes = known + static_cast<std::size_t>(n);
  connection.unread = connection.is_unix ? static_cast<std::size_t>(n) : 0;
  const protocol::HeadScan scan =
      connection.frame->scan({connection.head.data, connection.bytes}, connection.head_limit);
  using Verdict = protocol::HeadScan::Verdict;
  if (scan.verdict == Verdict::kComplete) {
    connection.head_bytes = scan.head_bytes;
    budget_.forget(connection);
    if (connection.polled) loop_.poller.remove(connection.fd.get());
    connection.polled = false;
    connection.app->enqueue(connection);
    return Progress::kOver;
  }
  if (scan.verdict == Verdict::kBad) {
    refuse(connection, scan);
    return Progress::kOver;
  }

  if (connection.unread > 1) {
    // Take what was peeked, except for one byte: a last close has to find something unread.
    const ssize_t taken = ::recv(connection.fd.get(), at, connection.unread - 1, MSG_DONTWAIT);
    if (taken > 0) connection.unread -= static_cast<std::size_t>(taken);
  }
  if (scan.head_bytes > connection.head.capacity && !make_room(connection, scan.head_bytes)) return Progress::kOver;
  return peer_has_ended || static_cast<std::size_t>(n) == room ? Progress::kMore : Progress::kWait;
}

// Gives the connection a larger buffer; false where it was answered 503 instead, because memory or its turn is out.
bool Reception::make_room(Connection& connection, std::size_t wanted) {
  auto larger = connections_.heads().take(std::max(wanted, kFirstBuffer));
  if (!larger) {
    if (const auto held_back = no_memory_.pass(Clock::now())) {
      log::error("app \"{}\": {}; answered 503, as were {} before", connection.app->name(), larger.error().message(),
                 *held_back);
    }
    farewell_.answer(connection, 503, 1);
    return false;
  }
  if (connection.bytes > 0) std::memcpy(larger->data, connection.head.data, connection.bytes);
  connections_.heads().give_back(connection.head);
  connection.head = *larger;
  budget_.count(connection);
  return keep_within_budget(connection);
}

// Whoever has taken longest to send its head makes room for those that are quicker. False if that is `wanting` itself.
bool Reception::keep_within_budget(const Connection& wanting) {
  while (budget_.is_exceeded()) {
    Connection& oldest = *budget_.oldest();
    const bool is_itself = &oldest == &wanting;
    if (const auto held_back = over_budget_.pass(Clock::now())) {
      log::warning(
          "app \"{}\": heads that are arriving hold more than limits.reception; the oldest is answered 503, as were {} "
          "before",
          oldest.app->name(), *held_back);
    }
    farewell_.answer(oldest, 503, 1);
    if (is_itself) return false;
  }
  return true;
}

void Reception::refuse(Connection& connection, const protocol::HeadScan& scan) {
  log::warning("app \"{}\": refused with {}: {}", connection.app->name(), scan.status, scan.reason);
  farewell_.answer(connection, scan.status);
}

// A request that has arrived counts, though the poller has not told of it yet. Whether it is still RECEIVING.
bool Reception::still_arrives(Connection& connection) {
  const std::uint32_t serial = connection.serial;
  receive(connection, false);
  return connection.serial == serial && connection.state == ConnectionState::kReceiving;
}

void Reception::on_deadline(Connection& connection) {
  if (!still_arrives(connection)) return;
  const Duration took = Clock::now() - connection.accepted;
  // By what is configured now, which a reload may have changed since the timer was set.
  const config::Timeouts& timeouts = connection.app->config().timeouts;
  const auto is_over = [took](Duration timeout) { return timeout > Duration::zero() && took >= timeout; };
  log::info("app \"{}\": refused with 408: {} bytes of a head after {:.3f} s ({})", connection.app->name(),
            connection.bytes, std::chrono::duration<double>(took).count(),
            is_over(timeouts.head)           ? "timeouts.head"
            : is_over(timeouts.total)        ? "timeouts.total"
            : connection.app->is_stopping() ? connection.app->stop_key()
                                             : "timeouts.head");
  farewell_.answer(connection, 408);
}

void Reception::hasten(Connection& connection, TimePoint deadline) {
  if (!still_arrives(connection)) return;
  if (connection.bytes == 0) return farewell_.close(connection);
  const TimePoint due = connection.deadline.is_set() ? connection.deadline.due() : kNever;
  connection.deadline.set(loop_.timers, std::min(due, deadline));
}

}  // namespace forklift::master
