// An ELF file as bytes and headers, checked: the ground on which elf.h stands. Only for elf.cc and elf_file.cc.
#pragma once

#include <elf.h>

#include <cstddef>
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

// How a file writes its numbers. What is read with it has the 64-bit structs of elf(5) and this machine's byte order.
struct ElfEncoding {
  bool is_wide = true;      // ELFCLASS64
  bool is_swapped = false;  // the other byte order than this machine's

  template <typename Number>
  Number operator()(Number value) const {
    if constexpr (sizeof value == 2) return is_swapped ? static_cast<Number>(__builtin_bswap16(value)) : value;
    if constexpr (sizeof value == 4)
      return is_swapped ? static_cast<Number>(__builtin_bswap32(static_cast<std::uint32_t>(value))) : value;
    if constexpr (sizeof value == 8)
      return is_swapped ? static_cast<Number>(__builtin_bswap64(static_cast<std::uint64_t>(value))) : value;
    static_assert(sizeof value == 2 || sizeof value == 4 || sizeof value == 8);
  }
};

// The entries of a table of the file, `count` of them from `offset` on.
Result<std::vector<Elf64_Phdr>> read_segments(const ElfFile& file, ElfEncoding encoding, std::uint64_t offset,
                                              std::uint64_t count);
Result<std::vector<Elf64_Dyn>> read_dynamic_entries(const ElfFile& file, ElfEncoding encoding,
                                                    const Elf64_Phdr& segment);
Result<std::vector<Elf64_Sym>> read_symbols(const ElfFile& file, ElfEncoding encoding, std::uint64_t offset,
                                            std::uint64_t count);
// Numbers of 4 bytes, or of 8.
Result<std::vector<std::uint64_t>> read_words(const ElfFile& file, ElfEncoding encoding, std::uint64_t offset,
                                              std::uint64_t count, std::size_t word_bytes, std::string_view what);

// The ELF header and the program headers of a shared object.
struct ElfHeaders {
  ElfEncoding encoding;
  Elf64_Ehdr elf;
  std::vector<Elf64_Phdr> segments;

  // For people: `aarch64`, `ppc64 (big-endian)`, `arm (32 bits)`.
  std::string machine() const;
  bool is_of_this_machine() const;

  // The first segment of this type; nullptr if there is none.
  const Elf64_Phdr* first(std::uint32_t type) const;

  // Where the bytes lie in the file that are loaded at `address`; nothing if none are.
  std::optional<std::uint64_t> offset_of(std::uint64_t address) const;
};

// kOwn: anything else is refused (`is for aarch64; this server is x86-64`), before more of it is looked at.
enum class Machines { kOwn, kAny };

Result<ElfHeaders> read_headers(const ElfFile& file, Machines machines);

}  // namespace forklift::plugin
