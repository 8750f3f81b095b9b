#include "master/reception_budget.h"

namespace forklift::master {

void ReceptionBudget::count(Connection& connection) {
  const std::size_t now = connection.head.capacity;
  if (connection.held == 0 && now > 0) holders_.push_back(connection);
  if (connection.held > 0 && now == 0) holders_.remove(connection);
  held_ = held_ - connection.held + now;
  connection.held = now;
}

void ReceptionBudget::forget(Connection& connection) {
  if (connection.held > 0) holders_.remove(connection);
  held_ -= connection.held;
  connection.held = 0;
}

}  // namespace forklift::master
