// Bodies of requests that are made while they are sent, and looked at while they arrive: 100 MB cost no memory.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace harness {

inline constexpr std::uint64_t kMegabyte = 1024 * 1024;

struct Body {
  std::uint64_t size = 0;
  // Writes the bytes [offset, offset + count) of the body to `to`.
  std::function<void(std::uint64_t offset, char* to, std::size_t count)> fill;
};

Body text_body(std::string text);

// `size` bytes, all of them `byte`: of such bodies the hashes are known.
Body repeated_body(char byte, std::uint64_t size);

// Binary data with all byte values, in which no stretch is like another: what is lost, doubled or moved is found.
Body pattern_body(std::uint64_t size);

// Compares what arrives with a body, byte by byte.
class BodyCheck {
 public:
  explicit BodyCheck(Body expected) : expected_(std::move(expected)) {}

  // To be given to a ResponseReader as its sink. Must not outlive this object.
  std::function<void(std::string_view)> sink() {
    return [this](std::string_view bytes) { take(bytes); };
  }

  // Empty if exactly the expected body has arrived; else a line that says what is different.
  std::string difference() const;

 private:
  void take(std::string_view bytes);

  Body expected_;
  std::string scratch_;
  std::uint64_t taken_ = 0;
  std::string difference_;
};

}  // namespace harness
