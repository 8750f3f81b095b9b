// The control socket: through it the commands reload, restart, stop and status talk to the master. It is one more thing
// that the loop watches, and no worker is asked, so it answers also when all of them hang.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/throttle.h"
#include "master/listener.h"
#include "master/loop.h"

namespace forklift::master {

// Names a client for ever, also after it has left.
struct ControlClientId {
  std::uint32_t index = 0;
  std::uint32_t serial = 0;
};

// What is asked of the master.
class ControlHandler {
 public:
  // The status document: JSON, one line.
  virtual std::string status() = 0;
  // Begins to stop, unless that has begun already. The client is told by the end of its connection.
  virtual void stop() = 0;
  // Begins a reload: of all apps or of one; with `restart`, also where nothing has changed. The client is told how it
  // goes by Control::tell(), any number of times, and then Control::finish(), which may also be called in here; that it
  // leaves meanwhile stops nothing. The error means that nothing was begun, and why.
  virtual Result<void> reload(std::optional<std::string> app, bool restart, ControlClientId client) = 0;

 protected:
  ~ControlHandler() = default;
};

class Control {
 public:
  static constexpr std::size_t kClientsMax = 16;
  static constexpr std::size_t kRequestBytesMax = 4096;
  static constexpr std::size_t kWaitingBytesMax = 1024 * 1024;

  // `owner` is the user who may ask, besides root. The others outlive it.
  Control(Loop& loop, ControlHandler& handler, uid_t owner);
  // Removes the path, if it is still ours. Clients stay connected until the process has ended, and learn of that end by
  // it.
  ~Control();

  // Listens on `path`, which nobody but this user may connect to, and takes the place of a killed server's (see
  // Listener::bind). Once.
  Result<void> open(const std::string& path);

  // What the poller tells (loop.h): of Watch::kControl, and of Watch::kControlClient.
  void accept();
  void on_event(ControlClientId id, std::uint32_t events);

  // Sends a line, without its newline, to the client, and with finish() nothing more: it is disconnected when it has
  // read it. Nothing happens if it has left. One that lets more than kWaitingBytesMax wait is dropped; a line that
  // waits alone may be longer.
  void tell(ControlClientId id, std::string_view line);
  void finish(ControlClientId id, std::string_view line);

 private:
  struct Client;

  void watch_listener();
  bool accept_one();
  void admit(UniqueFd fd, pid_t pid, uid_t user);
  Client* find(ControlClientId id);
  void receive(Client& client);
  void obey(Client& client, std::string_view line);
  void push(Client& client, std::string_view line);
  void flush(Client& client);
  void on_deadline(Client& client);
  void drop(Client& client);

  Loop& loop_;
  ControlHandler& handler_;
  const uid_t owner_;
  std::optional<Listener> listener_;
  Timer reopen_;  // ends a pause for want of descriptors
  Throttle exhausted_;
  Throttle refused_;
  std::vector<std::unique_ptr<Client>> clients_;
};

}  // namespace forklift::master
