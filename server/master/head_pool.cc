#include "master/head_pool.h"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "master/memory_reserve.h"

namespace forklift::master {

namespace {

constexpr std::size_t kBlockBytes = 256 * 1024;

// Of each size, what is free and stays in memory.
constexpr std::size_t kKeptBytes = 256 * 1024;

}  // namespace

HeadPool::~HeadPool() {
  for (const Block& block : blocks_) ::munmap(block.memory, block.bytes);
}

Result<HeadBuffer> HeadPool::take(std::size_t bytes) {
  std::size_t size_class = 0;
  while (size_class < kSizes && (kSmallest << (2 * size_class)) < bytes) ++size_class;
  if (size_class == kSizes)
    return fail("no head buffer has {} bytes; the largest has {}", bytes, kSmallest << (2 * (kSizes - 1)));
  auto& free = free_[size_class];
  if (free.empty()) {
    if (auto refilled = refill(size_class); !refilled) return Failure(refilled.error());
  }
  HeadBuffer buffer{free.back(), kSmallest << (2 * size_class)};
  free.pop_back();
  trimmed_[size_class] = std::min(trimmed_[size_class], free.size());
  return buffer;
}

void HeadPool::trim() {
  for (std::size_t size_class = 0; size_class < kSizes; ++size_class) {
    const auto& free = free_[size_class];
    const std::size_t bytes = kSmallest << (2 * size_class);
    for (; trimmed_[size_class] + kKeptBytes / bytes < free.size(); ++trimmed_[size_class]) {
      ::madvise(free[trimmed_[size_class]], bytes, MADV_DONTNEED);
    }
  }
}

bool HeadPool::has_surplus() const {
  for (std::size_t size_class = 0; size_class < kSizes; ++size_class) {
    if (trimmed_[size_class] + kKeptBytes / (kSmallest << (2 * size_class)) < free_[size_class].size()) return true;
  }
  return false;
}

void HeadPool::give_back(HeadBuffer& buffer) {
  if (!buffer.data) return;
  std::size_t size_class = 0;
  while ((kSmallest << (2 * size_class)) < buffer.capacity) ++size_class;
  free_[size_class].push_back(std::exchange(buffer, {}).data);
}

Result<void> HeadPool::refill(std::size_t size_class) {
  const std::size_t size = kSmallest << (2 * size_class);
  const std::size_t bytes = std::max(size, kBlockBytes);
  if (!memory_reserve::hold()) return fail_errno("memory for head buffers", ENOMEM);
  void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return fail_errno("memory for head buffers");
  // Both are advice to an old kernel, and a promise from the kernels that this runs on (Linux 4.14 and later).
  ::madvise(memory, bytes, MADV_WIPEONFORK);
  ::madvise(memory, bytes, MADV_DONTDUMP);
  blocks_.push_back({memory, bytes});
  for (std::size_t at = 0; at < bytes; at += size) free_[size_class].push_back(static_cast<char*>(memory) + at);
  return {};
}

}  // namespace forklift::master
