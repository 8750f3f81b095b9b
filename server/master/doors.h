// The listeners of all apps, as long as the server takes connections.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/timers.h"
#include "master/listener.h"
#include "master/loop.h"
#include "master/passed_sockets.h"

namespace forklift::master {

class App;
class Reception;

// Whether the app goes without a listener that cannot be bound: `localhost` means both families, and a machine without
// IPv6 has only one of them.
bool is_optional(const config::Listen& listen, const Error& error);

// A listener and the app behind it.
struct Door {
  const std::uint32_t serial;  // its name in the poller
  config::Listen listen;       // as it is configured
  Listener listener;
  App* app;
  Timer reopen;            // ends the pause
  bool paused = true;      // not in the poller: not yet, or for want of descriptors
  bool exhausted = false;  // paused for want of descriptors
};

class Doors {
 public:
  // Both outlive it.
  Doors(Loop& loop, Reception& reception) : loop_(loop), reception_(reception) {}

  // Binds the app's listeners, or takes them from those that were passed to the server. On failure, some of them may be
  // bound; see close().
  Result<void> open(App& app, PassedSockets& passed);
  // A listener that is there already. Nothing is accepted before start().
  Door& add(Listener listener, const config::Listen& listen, App& app);

  // Starts to accept.
  void start(Door& door) { accept_on(door.serial); }
  void start();
  // Accepts what waits at the listener that the poller knows by this serial. Where nothing can be accepted for want of
  // descriptors, it is left alone for a while.
  void accept_on(std::uint32_t serial);

  // The door becomes that app's, with what it says of it, and with it whoever came through it and was silent until now.
  // An error is of the socket's backlog or its path's mode and owner, which stay; the rest has changed.
  Result<void> give(Door& door, App& to, const config::Listen& listen, const machine::Ownership& owner);

  // The door is no longer wanted: takes what waits, and closes. What was passed to the server stays the service
  // manager's, with what waits in it.
  void close(Door& door);
  // The server stops: the same for all.
  void stop();
  // Closes them at once.
  void close();

  template <typename Visitor>
  void for_each(Visitor visit) const {
    for (const auto& [serial, door] : doors_) visit(*door);
  }

  // `127.0.0.1:4000`, `unix:/run/app.sock`
  std::vector<std::string> addresses_of(const App& app) const;

 private:
  Result<void> adopt(App& app, const config::Listen& listen, PassedSockets& passed);
  void shut(Door& door);

  Loop& loop_;
  Reception& reception_;
  std::map<std::uint32_t, std::unique_ptr<Door>> doors_;  // in the order in which they came
  std::uint32_t last_serial_ = 0;
};

}  // namespace forklift::master
