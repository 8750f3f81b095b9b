#include "master/memory_reserve.h"

#include <sys/mman.h>

#include <cstddef>
#include <new>
#include <utility>

namespace forklift::master::memory_reserve {

namespace {

// Four times what the table of 65,536 connections takes at once when it grows. Costs addresses and no memory, as
// nobody writes there.
constexpr std::size_t kBytes = 4 * 1024 * 1024;

void* g_reserve = nullptr;

void release() {
  if (void* reserve = std::exchange(g_reserve, nullptr)) ::munmap(reserve, kBytes);
}

void hand_out() {
  if (!g_reserve) throw std::bad_alloc();
  release();
}

}  // namespace

bool hold() {
  if (g_reserve) return true;
  void* const reserve = ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (reserve == MAP_FAILED) return false;
  g_reserve = reserve;
  std::set_new_handler(hand_out);
  return true;
}

void give_up() {
  std::set_new_handler(nullptr);
  release();
}

}  // namespace forklift::master::memory_reserve
