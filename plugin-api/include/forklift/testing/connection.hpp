// forklift/testing/connection.hpp - both directions of the connection to a client that is none; part of
// forklift/testing.hpp
#ifndef FORKLIFT_TESTING_CONNECTION_HPP
#define FORKLIFT_TESTING_CONNECTION_HPP

#include <forklift/plugin.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <forklift/testing/request.hpp>
#include <optional>
#include <string_view>

namespace forklift {
namespace testing {
namespace detail {

using Clock = std::chrono::steady_clock;
using Deadline = std::optional<Clock::time_point>;

inline bool has_passed(Deadline deadline) {
  return deadline && Clock::now() >= *deadline;
}

// From when on a client that does nothing has done nothing for too long. Counts from the first question.
class Patience {
 public:
  explicit Patience(std::chrono::milliseconds time) : time_(time) {}
  Clock::time_point deadline() {
    if (!since_) since_ = Clock::now();
    return *since_ + time_;
  }

 private:
  std::chrono::milliseconds time_;
  std::optional<Clock::time_point> since_;
};

// The request's body as it arrives, and the server's reading of it.
class BodyReader {
 public:
  explicit BodyReader(const Client& client)
      : client_(client),
        sends_(std::min(client.sends, client.length)),
        arrived_(std::min(client.sends_at_once, sends_)),
        patience_(client.patience) {}

  std::int64_t read(void* buffer, std::size_t size, bool wait) {
    if (error_ != FORKLIFT_OK) return error_;
    if (taken_ == client_.length || size == 0) return 0;
    while (arrived_ == taken_) {
      if (is_over()) return end(wait);
      arrive();
      if (!wait) return FORKLIFT_EAGAIN;
    }
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(size, arrived_ - taken_));
    copy(static_cast<char*>(buffer), count);
    return static_cast<std::int64_t>(count);
  }

  std::uint64_t length() const { return client_.length; }
  std::uint64_t taken() const { return taken_; }
  int error() const { return error_; }
  void fail(int error) { error_ = error; }

  // Whether read() has something to say.
  bool is_ready() const {
    return error_ != FORKLIFT_OK || taken_ == client_.length || arrived_ > taken_ ||
           (is_over() && client_.sends_no_more != FORKLIFT_ETIMEOUT);
  }
  // Whether a piece is still to come.
  bool will_arrive() const { return !is_over() && arrived_ == taken_; }
  void arrive() { arrived_ = std::min(sends_, arrived_ + std::min(client_.sends_at_once, sends_)); }

  // Whether the client has left instead of sending the rest.
  bool is_gone() const {
    return sends_ < client_.length && client_.sends_no_more == FORKLIFT_EGONE && taken_ >= sends_;
  }
  Clock::time_point stall_deadline() { return patience_.deadline(); }

 private:
  bool is_over() const { return taken_ == sends_; }

  int end(bool wait) {
    if (client_.sends_no_more != FORKLIFT_ETIMEOUT) return error_ = client_.sends_no_more;
    // Nothing else can happen while read() waits.
    return wait || has_passed(stall_deadline()) ? (error_ = FORKLIFT_ETIMEOUT) : FORKLIFT_EAGAIN;
  }

  void copy(char* buffer, std::size_t count) {
    for (std::size_t done = 0; done < count;) {
      const std::string_view next =
          std::string_view(client_.pattern).substr(static_cast<std::size_t>(taken_ % client_.pattern.size()));
      const std::size_t step = std::min(next.size(), count - done);
      std::memcpy(buffer + done, next.data(), step);
      done += step;
      taken_ += step;
    }
  }

  const Client& client_;
  const std::uint64_t sends_;
  std::uint64_t arrived_;
  std::uint64_t taken_ = 0;
  int error_ = FORKLIFT_OK;
  Patience patience_;
};

// The way to the client.
class Outlet {
 public:
  explicit Outlet(const Client& client) : client_(client), room_(client.takes_at_once), patience_(client.patience) {}

  // How many of `size` bytes are taken without waiting.
  std::size_t take(std::size_t size) {
    const auto count = static_cast<std::size_t>(std::min({std::uint64_t{size}, room_, client_.takes - taken_}));
    room_ -= count;
    taken_ += count;
    return count;
  }

  bool has_left() const { return client_.takes_no_more == FORKLIFT_EGONE && taken_ == client_.takes; }
  bool stands_still() const { return client_.takes_no_more == FORKLIFT_ETIMEOUT && taken_ == client_.takes; }
  bool has_room() const { return room_ > 0 && taken_ < client_.takes; }
  // The client takes what is in the way.
  void make_room() { room_ = client_.takes_at_once; }

  Clock::time_point stall_deadline() { return patience_.deadline(); }

 private:
  const Client& client_;
  std::uint64_t room_;
  std::uint64_t taken_ = 0;
  Patience patience_;
};

}  // namespace detail
}  // namespace testing
}  // namespace forklift

#endif  // FORKLIFT_TESTING_CONNECTION_HPP
