// How connections end in the master.
#pragma once

#include "master/connection.h"
#include "master/loop.h"
#include "master/reception_budget.h"

namespace forklift::master {

class Farewell {
 public:
  // All outlive it.
  Farewell(Loop& loop, ConnectionTable& connections, ReceptionBudget& budget)
      : loop_(loop), connections_(connections), budget_(budget) {}

  // Closes at once: after a worker has shut the connection down and nothing is left to read, or where nothing was
  // asked.
  void close(Connection& connection);

  // Sends the protocol's canned answer with this status, then lingers. Only while no worker has sent anything.
  void answer(Connection& connection, int status, int retry_after_seconds = 0);

  // Ends the response, and drains what the client still sends until it closes its side, for a bounded time and a
  // bounded number of bytes. Closing with unread input would reset the connection and can destroy the response on its
  // way.
  void linger(Connection& connection);

  // Resets the connection, so that what was sent cannot be taken for a whole response. No other process may hold it,
  // except on TCP.
  void abort(Connection& connection);

  // The same of a connection whose worker does not end: a client on TCP is told at once, one on a Unix socket by the
  // worker's end.
  void abort_held(Connection& connection);

  // Events of a connection that is LINGERING or ABORTING.
  void on_readable(Connection& connection);
  void on_deadline(Connection& connection) { close(connection); }

 private:
  void leave_reception(Connection& connection, ConnectionState next);
  void watch(Connection& connection);
  void drain(Connection& connection);

  Loop& loop_;
  ConnectionTable& connections_;
  ReceptionBudget& budget_;
};

}  // namespace forklift::master
