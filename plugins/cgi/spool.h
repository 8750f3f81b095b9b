// Bytes that have come and are still to go: the first of them in memory, more of them in a file without a name.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "descriptor.h"

namespace cgi {

class Spool {
 public:
  // `memory_bytes`: how many are kept in memory.
  explicit Spool(std::size_t memory_bytes) : memory_bytes_(memory_bytes) {}

  bool empty() const { return size_ == 0; }
  std::uint64_t size() const { return size_; }

  // std::system_error where the file cannot be made or written to: in $TMPDIR of the worker, or /tmp.
  void append(std::string_view bytes);

  // The next bytes, at least one unless the spool is empty; valid until the next call.
  std::string_view front();
  // Forgets the first `count` of those.
  void drop(std::size_t count);

 private:
  void append_to_file(std::string_view bytes);
  void load();

  std::size_t memory_bytes_;
  std::uint64_t size_ = 0;  // in memory and in the file
  std::string memory_;
  std::size_t used_ = 0;  // of memory_
  Descriptor file_;
  std::uint64_t read_at_ = 0;
  std::uint64_t write_at_ = 0;
};

}  // namespace cgi
