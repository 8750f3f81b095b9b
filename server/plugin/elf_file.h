// An ELF file as bytes and headers, checked: the ground on which elf.h stands. Only for elf.cc and elf_file.cc.
#pragma once

#include <elf.h>

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace forklift::plugin {

// Errors as elf.h words them. `truncated` has the code kIncomplete.
Failure truncated(std::string_view what, std::uint64_t needed, std::uint64_t has);
Failure damaged(std::string_view what);

// Far more than any linker writes for one table, and little enough to read: what exceeds it is damage or malice.
inline constexpr std::uint64_t kTableBytesMax = 64 * 1024 * 1024;

// A file, and its size when it was opened. Reads nothing beyond that, nor more than kTableBytesMax at once; `what`
// names the thing that is read, for the error. The descriptor stays the caller's.
class ElfFile {
 public:
  static Result<ElfFile> open(int fd);

  std::uint64_t size() const { return size_; }

  // Fails unless the `bytes` bytes from `offset` on lie within the file.
  Result<void> holds(std::uint64_t offset, std::uint64_t bytes, std::string_view what) const;

  Result<std::string> read(std::uint64_t offset, std::uint64_t bytes, std::string_view what) const;

  template <typename T>
  Result<std::vector<T>> read_array(std::uint64_t offset, std::uint64_t count, std::string_view what) const {
    if (count > kTableBytesMax / sizeof(T)) return damaged(fmt::format("{} has {} entries", what, count));
    auto bytes = read(offset, count * sizeof(T), what);
    if (!bytes) return Failure(bytes.error());
    std::vector<T> result(count);
    if (count > 0) std::memcpy(result.data(), bytes->data(), bytes->size());
    return result;
  }

  template <typename T>
  Result<T> read_one(std::uint64_t offset, std::string_view what) const {
    return read_array<T>(offset, 1, what).map([](const std::vector<T>& entries) { return entries.front(); });
  }

 private:
  ElfFile(int fd, std::uint64_t size) : fd_(fd), size_(size) {}

  int fd_;
  std::uint64_t size_;
};

// The ELF header and the program headers of a shared object for this machine.
struct ElfHeaders {
  Elf64_Ehdr elf;
  std::vector<Elf64_Phdr> segments;

  // The first segment of this type; nullptr if there is none.
  const Elf64_Phdr* first(std::uint32_t type) const;

  // Where the bytes lie in the file that are loaded at `address`; nothing if none are.
  std::optional<std::uint64_t> offset_of(std::uint64_t address) const;
};

Result<ElfHeaders> read_headers(const ElfFile& file);

}  // namespace forklift::plugin
