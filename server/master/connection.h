// A client's connection, from accept to its last close.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "base/timers.h"
#include "base/unique_fd.h"
#include "config/config.h"
#include "master/head_pool.h"
#include "protocol/frame.h"

namespace forklift::master {

class App;
struct WorkerSlot;

enum class ConnectionState {
  kFree,       // the record waits for its next tenant
  kReceiving,  // in reception: its head is not complete
  kQueued,     // its head is complete and it waits for a worker
  kLent,       // a worker has a duplicate
  kLingering,  // the response is out; what the client still sends is drained, so that closing does not reset it
  kAborting,   // to be reset as soon as a byte is there to be left unread (Unix sockets)
};

struct Connection {
  explicit Connection(std::uint32_t i) : index(i) {}

  const std::uint32_t index;
  std::uint32_t serial = 1;  // of the tenant
  ConnectionState state = ConnectionState::kFree;
  UniqueFd fd;
  bool is_unix = false;
  bool polled = false;  // stands in the poller
  config::HalfClose half_close = config::HalfClose::kAnswer;
  App* app = nullptr;
  std::uint32_t door = 0;  // the serial of the door that it came through
  const protocol::Frame* frame = nullptr;

  HeadBuffer head;             // all bytes so far; kept until the worker says DONE, for another lend or an answer
  std::size_t bytes = 0;       // of them
  std::size_t head_limit = 0;  // limits.head of the app when the first of them came
  std::size_t head_bytes = 0;  // where the head ends, once it is complete
  std::size_t unread = 0;      // at the end of `bytes`: only peeked, still in the socket (Unix sockets; see ipc::Lend)
  unsigned lends = 0;          // how often it was lent
  std::size_t drained = 0;     // bytes thrown away while lingering
  std::size_t held = 0;        // bytes of `head` that count against limits.reception
  const WorkerSlot* slot = nullptr;  // of the worker that has, or had, the last lend
  TimePoint accepted;
  TimePoint queued;   // when its head was complete, or it was queued again
  Duration waited{};  // in the queue, until the last lend

  Timer deadline{[this] { on_deadline(*this); }};  // of the present state
  std::function<void(Connection&)> on_deadline;

  Connection* next = nullptr;  // in the app's queue, or among those that hold memory in reception
  Connection* previous = nullptr;
};

// All connections of the master. A record is reused, and never moves or goes away: what an event names by index and
// serial can be looked up at any time.
class ConnectionTable {
 public:
  explicit ConnectionTable(std::function<void(Connection&)> on_deadline) : on_deadline_(std::move(on_deadline)) {}

  Connection& acquire();
  // Forgets everything about the tenant; its descriptor must be out of the poller.
  void release(Connection& connection);

  // nullptr if that tenant is gone.
  Connection* find(std::uint32_t index, std::uint32_t serial);

  bool has_free() const { return !free_.empty(); }  // whether acquire() needs no memory
  std::size_t size() const { return records_.size() - free_.size(); }  // tenants
  HeadPool& heads() { return heads_; }

  template <typename Visitor>
  void for_each(Visitor visit) {
    for (const auto& record : records_) {
      if (record->state != ConnectionState::kFree) visit(*record);
    }
  }

 private:
  std::function<void(Connection&)> on_deadline_;
  HeadPool heads_;
  std::vector<std::unique_ptr<Connection>> records_;
  std::vector<std::uint32_t> free_;
};

// Connections in the order in which they came; linked through the connections themselves, so one stands in one queue.
class ConnectionQueue {
 public:
  void push_back(Connection& connection);
  void push_front(Connection& connection);  // one whose worker has died before taking it
  void remove(Connection& connection);
  Connection* front() const { return first_; }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

 private:
  Connection* first_ = nullptr;
  Connection* last_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace forklift::master
