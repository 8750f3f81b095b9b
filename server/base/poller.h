// epoll(7) with tokens: what is watched is named by kind, index and serial, never by a pointer, so that an event that
// was fetched before its object went away names nothing instead of something else.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <cstdint>
#include <span>

#include "base/clock.h"
#include "base/result.h"
#include "base/unique_fd.h"

namespace forklift {

struct Token {
  std::uint8_t kind = 0;     // the owner's own enumeration
  std::uint32_t index = 0;   // below 2^24
  std::uint32_t serial = 0;  // tells apart the tenants of one index

  bool operator==(const Token&) const = default;
};

class Poller {
 public:
  struct Event {
    Token token;
    std::uint32_t events = 0;
  };

  static Result<Poller> create();

  // `events` are EPOLLIN, EPOLLET, ...; EPOLLHUP and EPOLLERR are always reported.
  Result<void> add(int fd, Token token, std::uint32_t events);
  // To be called before `fd` is closed or lent: the kernel forgets a descriptor only when nobody holds its file any
  // more.
  void remove(int fd);

  // Waits until something is ready or `deadline` has come, whatever signals come meanwhile: nothing was ready where
  // there are no events. They are valid until the next call.
  std::span<const Event> wait(TimePoint deadline);

 private:
  static constexpr std::size_t kBatch = 256;

  UniqueFd epoll_;
  std::array<epoll_event, kBatch> raw_{};
  std::array<Event, kBatch> events_{};
};

}  // namespace forklift
