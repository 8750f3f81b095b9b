// reload.probe: one real request that a new worker is asked before all others.
#pragma once

#include <string_view>

#include "base/unique_fd.h"
#include "master/connection.h"
#include "master/loop.h"

namespace forklift::master {

// The client of that request. It reads the page so that the worker can write it, and looks at nothing: the worker says
// in DONE which status it has sent.
class Probe {
 public:
  // A connection with the whole request in it, as reception would have it, to be lent. `serial` is its name in the
  // poller. `loop` and `connections` outlive it.
  static Result<std::unique_ptr<Probe>> make(std::string_view method, std::string_view uri, std::uint32_t serial,
                                             Loop& loop, ConnectionTable& connections);
  Probe(const Probe&) = delete;
  Probe& operator=(const Probe&) = delete;
  ~Probe();

  Connection& connection() { return connection_; }
  std::uint32_t serial() const { return serial_; }
  // Something to read, or the end.
  void on_readable();
  // The client leaves; to the worker it looks like any other that does.
  void hang_up();

 private:
  Probe(UniqueFd client, std::uint32_t serial, Loop& loop, ConnectionTable& connections);

  UniqueFd client_;
  const std::uint32_t serial_;
  Loop& loop_;
  ConnectionTable& connections_;
  Connection& connection_;
};

}  // namespace forklift::master
