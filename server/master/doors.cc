#include "master/doors.h"

#include <cerrno>
#include <utility>

#include "base/log.h"
#include "master/app.h"

namespace forklift::master {

namespace {

using Family = config::Address::Family;

constexpr Duration kAcceptPause = milliseconds(500);

// `localhost` means both families; a machine without IPv6 has only one of them.
bool is_optional(const config::Listen& listen, const Error& error) {
  const bool no_such_family = error.code() == EAFNOSUPPORT || error.code() == EADDRNOTAVAIL;
  return listen.from_localhost && listen.address.family == Family::kTcp6 && no_such_family;
}

}  // namespace

Result<void> Doors::open(App& app, PassedSockets& passed) {
  for (const config::Listen& listen : app.config().listen) {
    if (listen.address.family == Family::kSystemd) {
      if (auto adopted = adopt(app, listen, passed); !adopted) return adopted;
      continue;
    }
    auto listener = Listener::bind(listen);
    if (!listener && is_optional(listen, listener.error())) {
      log::warning("app \"{}\": {}; serving without it", app.name(), listener.error().message());
      continue;
    }
    if (!listener) return Failure(listener.error());
    add(std::move(*listener), app);
  }
  return {};
}

Result<void> Doors::adopt(App& app, const config::Listen& listen, PassedSockets& passed) {
  auto sockets = passed.claim(listen.address.path);
  if (!sockets) return Failure(sockets.error().in(fmt::format("listen on {}", listen.address.to_string())));
  for (UniqueFd& socket : *sockets) {
    auto listener = Listener::adopt(std::move(socket), listen);
    if (!listener) return Failure(listener.error());
    add(std::move(*listener), app);
  }
  return {};
}

void Doors::add(Listener listener, App& app) {
  const auto index = static_cast<std::uint32_t>(doors_.size());
  doors_.push_back(
      std::unique_ptr<Door>(new Door{std::move(listener), &app, Timer([this, index] { accept_on(index); })}));
}

void Doors::start() {
  for (std::uint32_t i = 0; i < doors_.size(); ++i) accept_on(i);
}

// Also the end of a pause, and the begin of listening: a listener stands in the poller unless it has been found that
// nothing can be accepted for want of descriptors.
void Doors::accept_on(std::uint32_t index) {
  Door& door = *doors_[index];
  if (door.listener.fd() < 0) return;
  const bool was_paused = std::exchange(door.paused, false);
  const bool was_exhausted = std::exchange(door.exhausted, false);
  if (reception_.accept_from(door.listener, *door.app)) {
    if (was_paused) door.paused = !loop_.poller.add(door.listener.fd(), token(Watch::kListener, index, 0), EPOLLIN);
  } else {
    if (!was_paused) loop_.poller.remove(door.listener.fd());
    if (was_exhausted) reception_.turn_away(door.listener, *door.app);
    door.paused = door.exhausted = true;
  }
  if (door.paused) door.reopen.set(loop_.timers, Clock::now() + kAcceptPause);
}

// A listener that is closed resets what waits in its backlog, so everything in it is accepted first.
void Doors::stop() {
  for (const auto& door : doors_) {
    door->listener.unlink();
    if (!door->listener.is_adopted()) reception_.accept_all_from(door->listener, *door->app);
    if (!door->paused) loop_.poller.remove(door->listener.fd());
    door->reopen.cancel();
    door->listener.close();
  }
}

void Doors::close() {
  for (const auto& door : doors_) door->listener.close();
}

std::vector<std::string> Doors::addresses_of(const App& app) const {
  std::vector<std::string> addresses;
  for (const auto& door : doors_) {
    if (door->app == &app) addresses.push_back(door->listener.address().to_string());
  }
  return addresses;
}

}  // namespace forklift::master
