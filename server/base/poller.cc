#include "base/poller.h"

#include <algorithm>

#include "base/retry.h"

namespace forklift {

namespace {

std::uint64_t pack(Token token) {
  return std::uint64_t{token.kind} << 56 | std::uint64_t{token.index & 0xffffff} << 32 | token.serial;
}

Token unpack(std::uint64_t data) {
  return {static_cast<std::uint8_t>(data >> 56), static_cast<std::uint32_t>(data >> 32 & 0xffffff),
          static_cast<std::uint32_t>(data)};
}

}  // namespace

Result<Poller> Poller::create() {
  Poller poller;
  poller.epoll_.reset(::epoll_create1(EPOLL_CLOEXEC));
  if (!poller.epoll_) return fail_errno("epoll_create1");
  return poller;
}

Result<void> Poller::add(int fd, Token token, std::uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = pack(token);
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) return fail_errno("epoll_ctl");
  return {};
}

void Poller::remove(int fd) {
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
}

std::span<const Poller::Event> Poller::wait(TimePoint deadline) {
  // Interrupted not only by a handler: a SIGCONT is enough (signal(7)).
  const int count = retry_interrupted([&] {
    return ::epoll_wait(epoll_.get(), raw_.data(), static_cast<int>(raw_.size()), milliseconds_until(deadline));
  });
  for (int i = 0; i < count; ++i) {
    events_[static_cast<std::size_t>(i)] = {unpack(raw_[static_cast<std::size_t>(i)].data.u64),
                                            raw_[static_cast<std::size_t>(i)].events};
  }
  return {events_.data(), static_cast<std::size_t>(std::max(count, 0))};
}

}  // namespace forklift
