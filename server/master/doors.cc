#include "master/doors.h"

#include <cerrno>
#include <utility>

#include "base/log.h"
#include "master/app.h"
#include "master/reception.h"

namespace forklift::master {

namespace {

using Family = config::Address::Family;

constexpr Duration kAcceptPause = milliseconds(500);

}  // namespace

bool is_optional(const config::Listen& listen, const Error& error) {
  const bool no_such_family = error.code() == EAFNOSUPPORT || error.code() == EADDRNOTAVAIL;
  return listen.from_localhost && listen.address.family == Family::kTcp6 && no_such_family;
}

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
    add(std::move(*listener), listen, app);
  }
  return {};
}

Result<void> Doors::adopt(App& app, const config::Listen& listen, PassedSockets& passed) {
  auto sockets = passed.claim(listen.address.path);
  if (!sockets) return Failure(sockets.error().in(fmt::format("listen on {}", listen.address.to_string())));
  for (UniqueFd& socket : *sockets) {
    auto listener = Listener::adopt(std::move(socket), listen);
    if (!listener) return Failure(listener.error());
    add(std::move(*listener), listen, app);
  }
  return {};
}

Door& Doors::add(Listener listener, const config::Listen& listen, App& app) {
  const std::uint32_t serial = ++last_serial_;
  const auto door = new Door{serial, listen, std::move(listener), &app, Timer([this, serial] { accept_on(serial); })};
  return *(doors_[serial] = std::unique_ptr<Door>(door));
}

void Doors::start() {
  for_each([this](Door& door) { start(door); });
}

// Also the end of a pause, and the begin of listening: a listener stands in the poller unless it has been found that
// nothing can be accepted for want of descriptors.
void Doors::accept_on(std::uint32_t serial) {
  const auto found = doors_.find(serial);
  if (found == doors_.end()) return;
  Door& door = *found->second;
  const bool was_paused = std::exchange(door.paused, false);
  const bool was_exhausted = std::exchange(door.exhausted, false);
  if (reception_.accept_from(door)) {
    if (was_paused) door.paused = !loop_.poller.add(door.listener.fd(), token(Watch::kListener, 0, serial), EPOLLIN);
  } else {
    if (!was_paused) loop_.poller.remove(door.listener.fd());
    if (was_exhausted) reception_.turn_away(door);
    door.paused = door.exhausted = true;
  }
  if (door.paused) door.reopen.set(loop_.timers, Clock::now() + kAcceptPause);
}

Result<void> Doors::give(Door& door, App& to, const config::Listen& listen, const machine::Ownership& owner) {
  auto changed = door.listener.change(door.listen, listen, owner);
  const config::Listen before = std::exchange(door.listen, listen);
  if (!changed) {
    // The next reload is to see the difference.
    door.listen.backlog = before.backlog;
    door.listen.mode = before.mode;
    door.listen.owner = before.owner;
    door.listen.group = before.group;
  }
  door.app = &to;
  reception_.move(door, to);
  return changed;
}

// A listener that is closed resets what waits in its backlog, so everything in it is accepted first.
void Doors::shut(Door& door) {
  door.listener.unlink();
  if (!door.listener.is_adopted()) reception_.accept_all_from(door);
  if (!door.paused) loop_.poller.remove(door.listener.fd());
  door.listener.close();
}

void Doors::close(Door& door) {
  shut(door);
  doors_.erase(door.serial);
}

void Doors::stop() {
  for_each([this](Door& door) { shut(door); });
  doors_.clear();
}

void Doors::close() {
  for_each([](Door& door) { door.listener.close(); });
}

std::vector<std::string> Doors::addresses_of(const App& app) const {
  std::vector<std::string> addresses;
  for_each([&](const Door& door) {
    if (door.app == &app) addresses.push_back(door.listener.address().to_string());
  });
  return addresses;
}

}  // namespace forklift::master
