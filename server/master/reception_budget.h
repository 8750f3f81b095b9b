// limits.reception: the memory for heads that are still arriving, over all apps.
#pragma once

#include <cstddef>

#include "master/connection.h"

namespace forklift::master {

class ReceptionBudget {
 public:
  explicit ReceptionBudget(std::size_t bytes) : most_(bytes) {}

  // To be called whenever the buffer of a connection that is RECEIVING has changed.
  void count(Connection& connection);
  // The connection leaves reception.
  void forget(Connection& connection);

  bool is_exceeded() const { return held_ > most_; }
  // Of those that hold a buffer, the one that has held one for the longest; nullptr if there is none.
  Connection* oldest() const { return holders_.front(); }

  void set_limit(std::size_t bytes) { most_ = bytes; }

 private:
  std::size_t most_;
  std::size_t held_ = 0;
  ConnectionQueue holders_;
};

}  // namespace forklift::master
