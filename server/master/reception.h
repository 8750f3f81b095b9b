// Reception: holding a connection in the master until its request's head has arrived, so that only complete heads cost
// a worker.
#pragma once

#include <cstddef>

#include "base/throttle.h"
#include "master/connection.h"
#include "master/farewell.h"
#include "master/loop.h"
#include "master/reception_budget.h"

namespace forklift::master {

struct Door;

class Reception {
 public:
  // All outlive it.
  Reception(Loop& loop, ConnectionTable& connections, Farewell& farewell, ReceptionBudget& budget);

  // Accepts what waits at the door's listener, at most a batch of it. False if descriptors or memory are out: the caller
  // is to leave the door alone for a while, because it stays readable.
  bool accept_from(Door& door);
  // The same without a bound: before the door is closed, which resets whatever still waits in it.
  void accept_all_from(Door& door);

  // Descriptors are still out after a while: answers what waits at the door with 503, one after another, through the
  // descriptor that is kept in reserve for this. At most a batch; returns how many.
  int turn_away(Door& door);

  // From now on the door is another app's: so are those who came through it and have not sent anything yet.
  void move(const Door& door, App& to);

  // Events of a connection that is RECEIVING.
  void on_readable(Connection& connection, std::uint32_t events);
  void on_deadline(Connection& connection);  // its head took too long: 408

  // The server stops: a request that is there is taken, a silent connection is closed, one whose head has begun gets
  // until `deadline`.
  void hasten(Connection& connection, TimePoint deadline);

 private:
  enum class Progress { kMore, kWait, kOver };

  // kOne: also one that was broken before it could be accepted.
  enum class Accepted { kOne, kNone, kExhausted };
  bool has_room() const;
  Accepted accept_one(Door& door);
  Connection& enter(UniqueFd fd, Door& door);
  void admit(UniqueFd fd, Door& door);
  // Reads what is there. Afterwards the connection is still RECEIVING, or it was handed on.
  void receive(Connection& connection, bool peer_has_ended);
  bool still_arrives(Connection& connection);
  Progress receive_once(Connection& connection, bool peer_has_ended);
  bool make_room(Connection& connection, std::size_t wanted);
  bool keep_within_budget(const Connection& wanting);
  void refuse(Connection& connection, const protocol::HeadScan& scan);

  Loop& loop_;
  ConnectionTable& connections_;
  Farewell& farewell_;
  ReceptionBudget& budget_;
  UniqueFd reserve_;  // closed where descriptors are out, so that one more connection can be accepted and answered
  Throttle exhausted_;
  Throttle too_many_;
  Throttle over_budget_;
  Throttle no_memory_;
};

}  // namespace forklift::master
