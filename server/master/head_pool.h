// Memory for heads. A connection gets a buffer with its first byte and gives it back at its end; a silent one has none.
//
// The memory is zero in a forked worker and left out of core files (MADV_WIPEONFORK, MADV_DONTDUMP, madvise(2)): what a
// client sent to one app is not for the plugin of another.
#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "base/result.h"

namespace forklift::master {

struct HeadBuffer {
  char* data = nullptr;
  std::size_t capacity = 0;
};

class HeadPool {
 public:
  HeadPool() = default;
  HeadPool(const HeadPool&) = delete;
  HeadPool& operator=(const HeadPool&) = delete;
  ~HeadPool();

  // A buffer of at least `bytes`, from a few sizes that grow by four; kept for the next one when it is given back.
  // Fails when memory is out.
  Result<HeadBuffer> take(std::size_t bytes);
  void give_back(HeadBuffer& buffer);  // leaves `buffer` empty

  // Gives memory that a crowd has needed and nobody needs any more back to the kernel. Its addresses stay ours. To be
  // called now and then, while has_surplus(): a buffer that comes back and goes out again should cost no system call.
  void trim();
  bool has_surplus() const;

 private:
  static constexpr std::size_t kSmallest = 4096;
  static constexpr std::size_t kSizes = 6;  // 4 KiB to 4 MiB

  struct Block {
    void* memory;
    std::size_t bytes;
  };
  Result<void> refill(std::size_t size_class);

  // Of each size: those at the front of the vector are trimmed, those behind them hold memory; the last one goes out
  // first.
  std::array<std::vector<char*>, kSizes> free_;
  std::array<std::size_t, kSizes> trimmed_{};
  std::vector<Block> blocks_;
};

}  // namespace forklift::master
