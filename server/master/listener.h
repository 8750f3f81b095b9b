// A bound, listening socket.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>

#include "base/result.h"
#include "base/timers.h"
#include "base/unique_fd.h"
#include "config/config.h"
#include "machine/identity.h"
#include "protocol/frame.h"

namespace forklift::master {

// A path of a Unix socket, told from another that has taken its place. All 0 on TCP.
struct PathIdentity {
  dev_t device = 0;
  ino_t inode = 0;

  bool is_at(const std::string& path) const;
  void unlink(const std::string& path) const;  // what is there, if it is this one
};

class Listener {
 public:
  // Binds and listens. The address in the error is the configured one. A Unix socket's path is taken over if it is a
  // socket that nobody listens on any more; of two servers that try this at the same time, one fails. Then it may wait,
  // for a second at most.  [master]
  // It may also wait for the look-up of an owner or a group (machine/identity.h), which the path has, with its mode,
  // before anybody can connect.
  static Result<Listener> bind(const config::Listen& listen);

  // Only binds: until start() nobody can connect. `before_bind` is called when nothing has to be waited for any more;
  // what follows takes an instant.  [as bind()]
  static Result<Listener> reserve(const config::Listen& listen, const std::function<void()>& before_bind);
  // What another process has got by reserve() and passed to this one.  [master]
  static Result<Listener> take_over(UniqueFd reserved, const PathIdentity& path, const config::Listen& listen);
  // Listens. An error, too, if another server has found nobody listening in the meantime, and taken the path.
  Result<void> start();

  // Takes a socket that the service manager has bound and that listens already. It stays the service manager's: its
  // path is never removed, and what waits in its backlog is for whoever is started next.  [master]
  static Result<Listener> adopt(UniqueFd socket, const config::Listen& listen);

  Listener(Listener&&) = default;
  Listener& operator=(Listener&&) = default;

  int fd() const { return fd_.get(); }
  bool is_unix() const { return address_.family == config::Address::Family::kUnix; }
  const protocol::Frame& frame() const { return *frame_; }
  int backlog() const { return backlog_; }
  config::HalfClose half_close() const { return half_close_; }
  bool is_adopted() const { return is_adopted_; }

  // A changed configuration of the same address: what the kernel and the path know of it is changed where it differs.
  // `owner` as looked up for it.
  Result<void> change(const config::Listen& from, const config::Listen& to, const machine::Ownership& owner);

  // Where it is bound, with the real port.
  const config::Address& address() const { return address_; }
  const PathIdentity& path() const { return path_; }

  // Takes the path of a Unix socket out of the file system, if it is still ours, so that nobody connects any more. What
  // has connected already can still be accepted. Nothing happens to an adopted one.
  void unlink();

  // Unlinks and closes; the kernel resets what was not accepted, unless the socket was adopted.
  void close();

 private:
  Listener(UniqueFd fd, config::Address address, const config::Listen& listen)
      : fd_(std::move(fd)),
        address_(std::move(address)),
        frame_(&protocol::kScgiFrame),
        backlog_(listen.backlog),
        half_close_(listen.half_close) {}

  Result<void> listen();
  Result<void> change_path(mode_t mode, const machine::Ownership& owner) const;

  UniqueFd fd_;
  config::Address address_;
  const protocol::Frame* frame_;
  int backlog_;
  config::HalfClose half_close_;
  bool is_adopted_ = false;
  PathIdentity path_;
};

}  // namespace forklift::master
