// The listeners of all apps, as long as the server takes connections.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/timers.h"
#include "master/listener.h"
#include "master/loop.h"
#include "master/passed_sockets.h"
#include "master/reception.h"

namespace forklift::master {

class Doors {
 public:
  // Both outlive it.
  Doors(Loop& loop, Reception& reception) : loop_(loop), reception_(reception) {}

  // Binds the app's listeners, or takes them from those that were passed to the server. On failure, some of them may be
  // bound; see close().
  Result<void> open(App& app, PassedSockets& passed);

  // Starts to accept.
  void start();
  // Accepts what waits at the listener that the poller knows by `index`. Where nothing can be accepted for want of
  // descriptors, it is left alone for a while.
  void accept_on(std::uint32_t index);

  // The server stops: takes what waits, and closes. Those that were passed to the server are for the next one, with
  // what waits in them.
  void stop();
  // Closes them at once.
  void close();

  // `127.0.0.1:4000`, `unix:/run/app.sock`
  std::vector<std::string> addresses_of(const App& app) const;

 private:
  // A listener and the app behind it; named by its index in the poller.
  struct Door {
    Listener listener;
    App* app;
    Timer reopen;            // ends the pause
    bool paused = true;      // not in the poller: not yet, or for want of descriptors
    bool exhausted = false;  // paused for want of descriptors
  };

  Result<void> adopt(App& app, const config::Listen& listen, PassedSockets& passed);
  void add(Listener listener, App& app);

  Loop& loop_;
  Reception& reception_;
  std::vector<std::unique_ptr<Door>> doors_;
};

}  // namespace forklift::master
