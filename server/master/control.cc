#include "master/control.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "base/log.h"
#include "base/quote.h"
#include "base/retry.h"
#include "master/control_messages.h"

namespace forklift::master {

namespace {

constexpr Duration kRequestPatience = seconds(5);
constexpr Duration kReadPatience = seconds(10);  // without the client taking a byte
constexpr Duration kWaitingPause = seconds(5);   // between two lines to whom waits
constexpr Duration kControlAcceptPause = milliseconds(500);
constexpr int kControlAcceptBatch = 64;  // a turn of the loop

void send_and_close(UniqueFd fd, std::string_view text) {
  const std::string line = error_event(text) + "\n";
  ::send(fd.get(), line.data(), line.size(), MSG_DONTWAIT | MSG_NOSIGNAL);  // a new socket has room for it
}

}  // namespace

struct Control::Client {
  enum class State {
    kFree,
    kAsking,   // its request has not arrived yet
    kWaiting,  // for its command's end
    kLeaving,  // everything is said: it is disconnected when it has read that
  };

  explicit Client(std::uint32_t i) : index(i) {}
  ControlClientId id() const { return {index, serial}; }

  const std::uint32_t index;
  std::uint32_t serial = 1;
  State state = State::kFree;
  UniqueFd fd;
  pid_t pid = 0;
  uid_t user = 0;
  std::string input;
  std::string output;                         // that the socket has not taken yet
  Timer deadline{[this] { on_deadline(); }};  // of its request, of its reading, or of the next word to whom waits
  std::function<void()> on_deadline;
};

Control::Control(Loop& loop, ControlHandler& handler, uid_t owner)
    : loop_(loop), handler_(handler), owner_(owner), reopen_([this] { watch_listener(); }) {}

// `stop` promises that the server has ended when the connection does: not only this object, but the lock and the pid
// file behind it, too. So it is the kernel that closes them.
Control::~Control() {
  if (listener_) listener_->close();
  for (const auto& client : clients_) [[maybe_unused]] const int left_open = client->fd.release();
}

Result<void> Control::open(const std::string& path) {
  config::Listen listen;
  listen.address = {config::Address::Family::kUnix, {}, 0, path};
  listen.backlog = static_cast<int>(kClientsMax);
  listen.mode = 0600;
  auto bound = Listener::bind(listen);
  if (!bound) return Failure(bound.error().in("control"));
  listener_.emplace(std::move(*bound));
  watch_listener();
  return {};
}

// ---- who asks ----

void Control::watch_listener() {
  auto added = loop_.poller.add(listener_->fd(), token(Watch::kControl, 0, 0), EPOLLIN);
  if (!added) reopen_.set(loop_.timers, Clock::now() + kControlAcceptPause);
}

void Control::accept() {
  for (int i = 0; i < kControlAcceptBatch; ++i) {
    if (!accept_one()) return;
  }
}

// False if there is none, or none can be had: then the listener, which stays readable, is left alone for a while.
bool Control::accept_one() {
  UniqueFd fd(::accept4(listener_->fd(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!fd) {
    if (errno == EAGAIN) return false;
    if (errno != EMFILE && errno != ENFILE && errno != ENOBUFS && errno != ENOMEM) return true;
    const int error = errno;
    if (exhausted_.pass(Clock::now())) log::warning("control: accept: {}; trying again", describe_errno(error));
    loop_.poller.remove(listener_->fd());
    reopen_.set(loop_.timers, Clock::now() + kControlAcceptPause);
    return false;
  }
  // The path is closed to others, but its owner may have opened it.
  ucred peer{};
  socklen_t size = sizeof peer;
  const bool known = ::getsockopt(fd.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0;
  if (!known || (peer.uid != 0 && peer.uid != owner_)) {
    if (const auto held_back = refused_.pass(Clock::now())) {
      log::warning("control: refused user {} (process {}): only root and user {} may control this server{}", peer.uid,
                   peer.pid, owner_, and_more(*held_back));
    }
    send_and_close(std::move(fd),
                   fmt::format("user {} may not control this server; only root and user {} may", peer.uid, owner_));
  } else {
    admit(std::move(fd), peer.pid, peer.uid);
  }
  return true;
}

void Control::admit(UniqueFd fd, pid_t pid, uid_t user) {
  auto free = std::ranges::find(clients_, Client::State::kFree, [](const auto& client) { return client->state; });
  if (free == clients_.end()) {
    if (clients_.size() == kClientsMax) {
      return send_and_close(std::move(fd),
                            fmt::format("{} commands talk to the server already; try again later", kClientsMax));
    }
    clients_.push_back(std::make_unique<Client>(static_cast<std::uint32_t>(clients_.size())));
    free = std::prev(clients_.end());
    (*free)->on_deadline = [this, client = free->get()] { on_deadline(*client); };
  }
  Client& client = **free;
  const Token name = token(Watch::kControlClient, client.index, client.serial);
  if (!loop_.poller.add(fd.get(), name, EPOLLIN | EPOLLOUT | EPOLLET)) return;
  client.state = Client::State::kAsking;
  client.fd = std::move(fd);
  client.pid = pid;
  client.user = user;
  client.deadline.set(loop_.timers, Clock::now() + kRequestPatience);
}

Control::Client* Control::find(ControlClientId id) {
  if (id.index >= clients_.size()) return nullptr;
  Client& client = *clients_[id.index];
  return client.serial == id.serial && client.state != Client::State::kFree ? &client : nullptr;
}

// ---- what is asked ----

void Control::on_event(ControlClientId id, std::uint32_t events) {
  Client* client = find(id);
  if (!client) return;
  if (client->state == Client::State::kAsking) {
    receive(*client);
  } else if (!client->output.empty()) {
    flush(*client);
  }
  // Both halves are closed. One that has closed its own alone has asked, and listens.
  if ((events & (EPOLLHUP | EPOLLERR)) && (client = find(id))) drop(*client);
}

void Control::receive(Client& client) {
  const ControlClientId id = client.id();
  while (find(id) && client.state == Client::State::kAsking) {
    char buffer[kRequestBytesMax];
    const ssize_t n = retry_interrupted([&] { return ::recv(client.fd.get(), buffer, sizeof buffer, MSG_DONTWAIT); });
    if (n < 0 && errno == EAGAIN) return;
    if (n < 0 || (n == 0 && client.input.empty())) return drop(client);
    client.input.append(buffer, static_cast<std::size_t>(n));
    const std::size_t end = n == 0 ? client.input.size() : client.input.find('\n');
    if (std::min(end, client.input.size()) > kRequestBytesMax) {
      finish(id, error_event(fmt::format("a request has at most {} bytes", kRequestBytesMax)));
    } else if (end != std::string::npos) {
      obey(client, client.input.substr(0, end));
    }
  }
}

void Control::obey(Client& client, std::string_view line) {
  using Command = ControlRequest::Command;
  const ControlClientId id = client.id();
  auto request = parse_control_request(line);
  if (!request) return finish(id, error_event(request.error().message()));
  client.state = Client::State::kWaiting;
  switch (request->command) {
    case Command::kStatus: return finish(id, handler_.status());
    case Command::kStop:
      log::info("control: process {} of user {} asks for a stop", client.pid, client.user);
      tell(id, stopping_event());
      return handler_.stop();
    case Command::kReload:
    case Command::kRestart: break;
  }
  const bool restart = request->command == Command::kRestart;
  log::info("control: process {} of user {} asks for a {} of {}", client.pid, client.user,
            restart ? "restart" : "reload", request->app ? quote(*request->app, 60) : "all apps");
  client.deadline.set(loop_.timers, Clock::now() + kWaitingPause);
  if (auto begun = handler_.reload(std::move(request->app), restart, id); !begun) {
    finish(id, error_event(begun.error().message()));
  }
}

// ---- what is answered ----

void Control::tell(ControlClientId id, std::string_view line) {
  if (Client* client = find(id); client && client->state == Client::State::kWaiting) push(*client, line);
}

void Control::finish(ControlClientId id, std::string_view line) {
  Client* client = find(id);
  if (!client || client->state == Client::State::kLeaving) return;
  client->state = Client::State::kLeaving;
  push(*client, line);
}

void Control::push(Client& client, std::string_view line) {
  const bool had_read_everything = client.output.empty();
  if (!had_read_everything && client.output.size() + line.size() >= kWaitingBytesMax) {
    log::warning("control: process {} does not read what it has asked for; disconnecting it", client.pid);
    return drop(client);
  }
  client.output += line;
  client.output += '\n';
  if (had_read_everything) {
    client.deadline.set(loop_.timers, Clock::now() + kReadPatience);
    flush(client);
  }
}

void Control::flush(Client& client) {
  std::size_t sent = 0;
  while (sent < client.output.size()) {
    const ssize_t n = retry_interrupted([&] {
      return ::send(client.fd.get(), client.output.data() + sent, client.output.size() - sent,
                    MSG_DONTWAIT | MSG_NOSIGNAL);
    });
    if (n < 0 && errno == EAGAIN) break;
    if (n < 0) return drop(client);
    sent += static_cast<std::size_t>(n);
  }
  client.output.erase(0, sent);
  if (client.output.empty()) {
    if (client.state == Client::State::kLeaving) return drop(client);
    client.deadline.set(loop_.timers, Clock::now() + kWaitingPause);
  } else if (sent > 0) {
    client.deadline.set(loop_.timers, Clock::now() + kReadPatience);
  }
}

void Control::on_deadline(Client& client) {
  if (!client.output.empty()) {
    log::warning("control: process {} does not read what it has asked for; disconnecting it", client.pid);
    return drop(client);
  }
  if (client.state == Client::State::kWaiting) return push(client, waiting_event());
  finish(client.id(), error_event(fmt::format("no request within {} s", kRequestPatience / seconds(1))));
}

void Control::drop(Client& client) {
  loop_.poller.remove(client.fd.get());
  // A worker that is just being forked may still hold it, and its end is the client's answer.
  ::shutdown(client.fd.get(), SHUT_RDWR);
  client.fd.reset();
  client.deadline.cancel();
  client.state = Client::State::kFree;
  client.serial++;
  client.pid = 0;
  client.input = {};
  client.output = {};
}

}  // namespace forklift::master
