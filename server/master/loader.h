// What a reload needs that may wait for others: users, and addresses. All of it happens in a process of its own.
#pragma once

#include <sys/types.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "config/changes.h"
#include "config/config.h"
#include "ipc/channel.h"
#include "machine/identity.h"
#include "master/listener.h"
#include "master/loop.h"

namespace forklift::master {

class Loader {
 public:
  enum class State { kLoading, kLoaded, kFailed };

  // What is to be found out of `config`.
  struct Task {
    const config::Config& config;
    std::vector<std::size_t> apps;       // whose machine is looked at, and whose users are looked up
    std::vector<config::Wanted> bind;    // where to bind
    std::vector<config::Wanted> owners;  // whose owner and group are looked up: of paths that are there already
  };
  using Key = std::pair<std::size_t, std::size_t>;  // app and entry of `listen`

  // Forks the process, which has 30 seconds. `loop` outlives the loader.  [master]
  static Result<std::unique_ptr<Loader>> start(const Task& task, Loop& loop);
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;
  // Ends the process; what it has bound and nobody has taken is given back.
  ~Loader();

  // It has said something. Reads all that is there.
  void on_readable();

  State state() const { return state_; }
  // kFailed: lines for people, at least one.
  const std::vector<std::string>& problems() const { return problems_; }

  // kLoaded; to be taken from.
  std::map<std::size_t, Identity> identities;
  std::map<Key, Listener> listeners;  // which do not listen yet; without those of `localhost` that cannot be had
  std::map<Key, machine::Ownership> owners;

 private:
  Loader(const config::Config& config, ipc::Channel channel, UniqueFd process, Loop& loop);

  bool receive();
  void on_message(std::string_view bytes, UniqueFd fd, bool lost_fd);
  void end(State state);
  void fail(std::string problem);

  const config::Config& config_;
  ipc::Channel channel_;
  UniqueFd process_;  // pidfd_open(2)
  Loop& loop_;
  Timer late_;
  State state_ = State::kLoading;
  std::vector<std::string> problems_;
};

}  // namespace forklift::master
