#include "config/scrub.h"

#include <malloc.h>

#include <array>
#include <cstdlib>
#include <cstring>

namespace forklift::config {

namespace {

void scrub_tree(Settings& node) {
  scrub(node.scalar);
  for (auto& [name, child] : node.children) {
    scrub(name);
    scrub_tree(child);
  }
}

// The sizes of which malloc(3) keeps a few freed blocks as they are, and how many of each (glibc's tcache).
constexpr std::size_t kCachedBytesMax = 1032;
constexpr std::size_t kCachedBlocks = 7;

constexpr int kOverwritten = 0x5a;  // any byte but 0, which leaves freed memory as it is (mallopt(3))
bool g_overwrites = false;

void wipe_cached_blocks() {
  for (std::size_t bytes = 24; bytes <= kCachedBytesMax; bytes += 16) {
    std::array<void*, kCachedBlocks> blocks{};
    for (void*& block : blocks) {
      block = std::malloc(bytes);
      if (block) ::explicit_bzero(block, bytes);
    }
    for (void* block : blocks) std::free(block);
  }
}

}  // namespace

// All bytes that the string has, also those behind its end: a longer text may have stood there.
void scrub(std::string& text) {
  text.resize(text.capacity());
  ::explicit_bzero(text.data(), text.size());
  text.clear();
}

void scrub(App& app) {
  scrub_tree(app.settings);
  for (auto& [name, value] : app.confinement.environment) {
    scrub(name);
    scrub(value);
  }
}

__attribute__((noinline)) void wipe_stack() {
  std::array<char, 128 * 1024> below;
  ::explicit_bzero(below.data(), below.size());
}

void overwrite_what_is_freed() {
  g_overwrites = true;
  ::mallopt(M_PERTURB, kOverwritten);
}

void forget_what_was_freed() {
  wipe_cached_blocks();
  g_overwrites = false;
  ::mallopt(M_PERTURB, 0);
  wipe_stack();
}

Traceless::Traceless() {
  ::mallopt(M_PERTURB, kOverwritten);
}

Traceless::~Traceless() {
  wipe_cached_blocks();
  if (!g_overwrites) ::mallopt(M_PERTURB, 0);
  wipe_stack();
}

}  // namespace forklift::config
