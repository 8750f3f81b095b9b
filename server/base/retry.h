// System calls that a signal may interrupt.
#pragma once

#include <cerrno>

namespace forklift {

// What `call` returns in the end: not below 0, or an error, in errno, that is not EINTR. For calls that can simply be
// made again; where a deadline has to be looked at in between, or an EINTR means something, there is a loop.
template <typename Call>
auto retry_interrupted(Call call) {
  while (true) {
    const auto result = call();
    if (result >= 0 || errno != EINTR) return result;
  }
}

}  // namespace forklift
