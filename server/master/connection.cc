#include "master/connection.h"

#include <cassert>

namespace forklift::master {

Connection& ConnectionTable::acquire() {
  if (free_.empty()) {
    records_.push_back(std::make_unique<Connection>(static_cast<std::uint32_t>(records_.size())));
    records_.back()->on_deadline = on_deadline_;
    // release() gives the index back and must not have to allocate.
    free_.reserve(records_.capacity());
    return *records_.back();
  }
  Connection& connection = *records_[free_.back()];
  free_.pop_back();
  return connection;
}

void ConnectionTable::release(Connection& connection) {
  assert(!connection.polled && !connection.next && !connection.previous && connection.held == 0);
  connection.deadline.cancel();
  connection.fd.reset();
  heads_.give_back(connection.head);
  connection.state = ConnectionState::kFree;
  ++connection.serial;
  connection.is_unix = false;
  connection.half_close = config::HalfClose::kAnswer;
  connection.app = nullptr;
  connection.door = 0;
  connection.frame = nullptr;
  connection.bytes = connection.head_bytes = connection.unread = connection.drained = connection.head_limit = 0;
  connection.lends = 0;
  connection.slot = nullptr;
  connection.waited = {};
  free_.push_back(connection.index);
}

Connection* ConnectionTable::find(std::uint32_t index, std::uint32_t serial) {
  if (index >= records_.size()) return nullptr;
  Connection& connection = *records_[index];
  return connection.serial == serial && connection.state != ConnectionState::kFree ? &connection : nullptr;
}

void ConnectionQueue::push_back(Connection& connection) {
  connection.previous = last_;
  connection.next = nullptr;
  (last_ ? last_->next : first_) = &connection;
  last_ = &connection;
  ++size_;
}

void ConnectionQueue::push_front(Connection& connection) {
  connection.next = first_;
  connection.previous = nullptr;
  (first_ ? first_->previous : last_) = &connection;
  first_ = &connection;
  ++size_;
}

void ConnectionQueue::remove(Connection& connection) {
  (connection.previous ? connection.previous->next : first_) = connection.next;
  (connection.next ? connection.next->previous : last_) = connection.previous;
  connection.next = connection.previous = nullptr;
  --size_;
}

}  // namespace forklift::master
