#include "plugin/elf_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "plugin/elf.h"

namespace forklift::plugin {
namespace {

constexpr std::size_t kSegmentsMax = 1024;

#if defined(__x86_64__)
constexpr std::uint16_t kOwnMachine = EM_X86_64;
#elif defined(__aarch64__)
constexpr std::uint16_t kOwnMachine = EM_AARCH64;
#elif defined(__riscv) && __riscv_xlen == 64
constexpr std::uint16_t kOwnMachine = EM_RISCV;
#else
#error "add this machine to kOwnMachine and machine_name()"
#endif
static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ && sizeof(void*) == 8, "the structs are read as they lie");

std::string machine_name(std::uint16_t machine) {
  switch (machine) {
    case EM_386: return "i386";
    case EM_X86_64: return "x86-64";
    case EM_ARM: return "arm";
    case EM_AARCH64: return "aarch64";
    case EM_RISCV: return "riscv";
    case EM_PPC64: return "ppc64";
    case EM_S390: return "s390x";
    default: return fmt::format("machine {}", machine);
  }
}

Result<void> check_identity(const Elf64_Ehdr& elf) {
  // e_machine lies at the same place in 32-bit files.
  if (elf.e_ident[EI_CLASS] != ELFCLASS64 || elf.e_machine != kOwnMachine || elf.e_ident[EI_DATA] != ELFDATA2LSB) {
    const bool big = elf.e_ident[EI_DATA] == ELFDATA2MSB;
    const std::uint16_t machine = big ? __builtin_bswap16(elf.e_machine) : elf.e_machine;
    return fail("is for {}{}{}; this server is {}", machine_name(machine),
                elf.e_ident[EI_CLASS] == ELFCLASS32 ? " (32 bits)" : "", big ? " (big-endian)" : "",
                machine_name(kOwnMachine));
  }
  switch (elf.e_type) {
    case ET_DYN: return {};
    case ET_REL: return fail("is an object file, not a shared object; link it with -shared");
    case ET_EXEC: return fail("is a program, not a shared object; build it with -fPIC and -shared");
    default: return fail("is not a shared object (ELF type {})", elf.e_type);
  }
}

Result<void> check_section_table(const ElfFile& file, const Elf64_Ehdr& elf) {
  if (elf.e_shoff == 0) return {};  // stripped of it: it is not needed for running
  if (elf.e_shentsize != sizeof(Elf64_Shdr))
    return damaged(fmt::format("section headers of {} bytes", elf.e_shentsize));
  std::uint64_t count = elf.e_shnum;
  if (count == 0) {  // more than fit into 16 bits: the number is in the first entry (elf(5))
    auto first = file.read_one<Elf64_Shdr>(elf.e_shoff, "the section table");
    if (!first) return Failure(first.error());
    count = first->sh_size;
  }
  if (count > kTableBytesMax / sizeof(Elf64_Shdr)) return damaged(fmt::format("{} sections", count));
  return file.holds(elf.e_shoff, count * sizeof(Elf64_Shdr), "the section table");
}

}  // namespace

Failure truncated(std::string_view what, std::uint64_t needed, std::uint64_t has) {
  return Failure(
      Error(fmt::format("is truncated: {} needs {} bytes, the file has {}", what, needed, has), kIncomplete));
}

Failure damaged(std::string_view what) {
  return fail("is damaged: {}", what);
}

Result<ElfFile> ElfFile::open(int fd) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) return fail_errno("cannot be examined");
  if (!S_ISREG(status.st_mode)) return fail("is not a regular file");
  return ElfFile(fd, static_cast<std::uint64_t>(status.st_size));
}

Result<void> ElfFile::holds(std::uint64_t offset, std::uint64_t bytes, std::string_view what) const {
  std::uint64_t end = 0;
  if (__builtin_add_overflow(offset, bytes, &end)) return damaged(fmt::format("{} lies beyond any file", what));
  if (end > size_) return truncated(what, end, size_);
  return {};
}

Result<std::string> ElfFile::read(std::uint64_t offset, std::uint64_t bytes, std::string_view what) const {
  if (auto inside = holds(offset, bytes, what); !inside) return Failure(inside.error());
  if (bytes > kTableBytesMax) return damaged(fmt::format("{} takes {} bytes", what, bytes));
  std::string result(bytes, '\0');
  std::size_t done = 0;
  while (done < bytes) {
    const ssize_t n = ::pread(fd_, result.data() + done, bytes - done, static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("cannot be read");
    if (n == 0) return truncated(what, offset + bytes, offset + done);
    done += static_cast<std::size_t>(n);
  }
  return result;
}

const Elf64_Phdr* ElfHeaders::first(std::uint32_t type) const {
  const auto found = std::find_if(segments.begin(), segments.end(), [=](const auto& s) { return s.p_type == type; });
  return found == segments.end() ? nullptr : &*found;
}

std::optional<std::uint64_t> ElfHeaders::offset_of(std::uint64_t address) const {
  for (const Elf64_Phdr& segment : segments) {
    if (segment.p_type != PT_LOAD || address < segment.p_vaddr) continue;
    const std::uint64_t distance = address - segment.p_vaddr;
    std::uint64_t offset = 0;
    if (distance < segment.p_filesz && !__builtin_add_overflow(segment.p_offset, distance, &offset)) return offset;
  }
  return std::nullopt;
}

Result<ElfHeaders> read_headers(const ElfFile& file) {
  auto magic = file.read(0, std::min<std::uint64_t>(file.size(), SELFMAG), "the ELF header");
  if (!magic) return Failure(magic.error());
  // The linkers of binutils leave a hole where the ELF header is written last.
  const bool unwritten = std::all_of(magic->begin(), magic->end(), [](char c) { return c == '\0'; });
  if (*magic != std::string_view(ELFMAG, magic->size()) && !unwritten) return fail("is not an ELF file");
  if (file.size() == 0) return Failure(Error("is empty", kIncomplete));
  if (unwritten) return Failure(Error("is not an ELF file: it begins with zeros", kIncomplete));

  auto elf = file.read_one<Elf64_Ehdr>(0, "the ELF header");
  if (!elf) return Failure(elf.error());
  if (auto identity = check_identity(*elf); !identity) return Failure(identity.error());
  if (elf->e_phentsize != sizeof(Elf64_Phdr) || elf->e_phnum == 0 || elf->e_phnum > kSegmentsMax) {
    return damaged(fmt::format("{} program headers of {} bytes", elf->e_phnum, elf->e_phentsize));
  }
  auto segments = file.read_array<Elf64_Phdr>(elf->e_phoff, elf->e_phnum, "the program header table");
  if (!segments) return Failure(segments.error());
  return ElfHeaders{*elf, std::move(*segments)};
}

Result<void> check_complete(int fd) {
  auto file = ElfFile::open(fd);
  if (!file) return Failure(file.error());
  auto headers = read_headers(*file);
  if (!headers) return Failure(headers.error());
  for (const Elf64_Phdr& segment : headers->segments) {
    if (segment.p_type != PT_LOAD) continue;
    if (auto inside = file->holds(segment.p_offset, segment.p_filesz, "a segment"); !inside) return inside;
  }
  return check_section_table(*file, headers->elf);
}

}  // namespace forklift::plugin
