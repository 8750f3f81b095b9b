// A text in shared memory, which the other side may change at any moment.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace forklift::ipc {

// Cut where it is longer.
template <std::size_t N>
struct PageText {
  std::atomic<std::uint32_t> bytes;
  char text[N];
};

template <std::size_t N>
void store(PageText<N>& to, std::string_view text) {
  const std::size_t n = std::min(text.size(), N);
  if (n > 0) std::memcpy(to.text, text.data(), n);  // data() of nothing is NULL
  to.bytes.store(static_cast<std::uint32_t>(n), std::memory_order_release);
}

// Copies the bytes to `to`, which has room for N of them, and returns their number: in the page they could change
// between being looked at and being used.
template <std::size_t N>
std::size_t load(const PageText<N>& from, char* to) {
  const auto n = std::min<std::size_t>(from.bytes.load(std::memory_order_acquire), N);
  std::memcpy(to, from.text, n);
  return n;
}

}  // namespace forklift::ipc
