#include "harness/body.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <memory>

namespace harness {
namespace {

// The finaliser of splitmix64: a cheap function under which neighbours look unrelated.
std::uint64_t scramble(std::uint64_t x) {
  x = (x + 1) * 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

void fill_pattern(std::uint64_t offset, char* to, std::size_t count) {
  while (count > 0) {
    const std::uint64_t word = scramble(offset / sizeof word);
    const std::size_t skip = offset % sizeof word;
    const std::size_t n = std::min(count, sizeof word - skip);
    std::memcpy(to, reinterpret_cast<const char*>(&word) + skip, n);
    offset += n;
    to += n;
    count -= n;
  }
}

}  // namespace

Body text_body(std::string text) {
  auto shared = std::make_shared<const std::string>(std::move(text));
  return {shared->size(),
          [shared](std::uint64_t offset, char* to, std::size_t count) { shared->copy(to, count, offset); }};
}

Body repeated_body(char byte, std::uint64_t size) {
  return {size, [byte](std::uint64_t, char* to, std::size_t count) { std::memset(to, byte, count); }};
}

Body pattern_body(std::uint64_t size) {
  return {size, fill_pattern};
}

void BodyCheck::take(std::string_view bytes) {
  const std::uint64_t offset = taken_;
  taken_ += bytes.size();
  if (!difference_.empty() || offset >= expected_.size) return;
  const std::size_t count = std::min<std::uint64_t>(bytes.size(), expected_.size - offset);
  scratch_.resize(count);
  expected_.fill(offset, scratch_.data(), count);
  const auto [wrong, right] =
      std::mismatch(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(count), scratch_.begin());
  if (right != scratch_.end()) {
    difference_ =
        fmt::format("byte {} is {:#04x} and not {:#04x}", offset + static_cast<std::uint64_t>(right - scratch_.begin()),
                    static_cast<unsigned char>(*wrong), static_cast<unsigned char>(*right));
  }
}

std::string BodyCheck::difference() const {
  if (!difference_.empty()) return difference_;
  return taken_ == expected_.size ? "" : fmt::format("{} bytes and not {}", taken_, expected_.size);
}

}  // namespace harness
