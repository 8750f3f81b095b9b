#include "master/probe.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/retry.h"

namespace forklift::master {

namespace {

constexpr std::size_t kBytesPerTurn = 256 * 1024;

}  // namespace

Result<std::unique_ptr<Probe>> Probe::make(std::string_view method, std::string_view uri, std::uint32_t serial,
                                           Loop& loop, ConnectionTable& connections) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return fail_errno("socketpair");
  UniqueFd client(ends[0]);
  UniqueFd server(ends[1]);
  const auto request = protocol::kScgiFrame.probe(method, uri);
  if (!request) return Failure(request.error());
  auto head = connections.heads().take(request->size());
  if (!head) return Failure(head.error());

  std::unique_ptr<Probe> probe(new Probe(std::move(client), serial, loop, connections));
  Connection& connection = probe->connection_;
  connection.fd = std::move(server);
  connection.head = *head;
  std::memcpy(connection.head.data, request->data(), request->size());
  connection.bytes = connection.head_bytes = request->size();
  // It has asked, and has no more to say.
  ::shutdown(probe->client_.get(), SHUT_WR);
  if (auto added = loop.poller.add(probe->client_.get(), token(Watch::kProbe, 0, serial), EPOLLIN); !added) {
    return Failure(added.error());
  }
  return probe;
}

Probe::Probe(UniqueFd client, std::uint32_t serial, Loop& loop, ConnectionTable& connections)
    : client_(std::move(client)),
      serial_(serial),
      loop_(loop),
      connections_(connections),
      connection_(connections.acquire()) {
  connection_.state = ConnectionState::kQueued;
  connection_.is_unix = true;
  connection_.frame = &protocol::kScgiFrame;
  connection_.accepted = connection_.queued = Clock::now();
}

Probe::~Probe() {
  hang_up();
  connections_.heads().give_back(connection_.head);
  connections_.release(connection_);
}

void Probe::on_readable() {
  std::array<char, 16 * 1024> scratch;
  for (std::size_t turn = 0; turn < kBytesPerTurn;) {
    const ssize_t n =
        retry_interrupted([&] { return ::recv(client_.get(), scratch.data(), scratch.size(), MSG_DONTWAIT); });
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) return hang_up();
    turn += static_cast<std::size_t>(n);
  }
}

void Probe::hang_up() {
  if (!client_) return;
  loop_.poller.remove(client_.get());
  client_.reset();
}

}  // namespace forklift::master
