#include "plugin/elf_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/retry.h"
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
constexpr bool kIsBigEndian = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;
static_assert(sizeof(void*) == 8, "a plugin for this machine is an ELFCLASS64 file");

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

Result<ElfEncoding> read_encoding(const std::array<unsigned char, EI_NIDENT>& ident) {
  const bool is_wide = ident[EI_CLASS] == ELFCLASS64;
  const bool is_big = ident[EI_DATA] == ELFDATA2MSB;
  if (!is_wide && ident[EI_CLASS] != ELFCLASS32) return damaged(fmt::format("its class is {}", ident[EI_CLASS]));
  if (!is_big && ident[EI_DATA] != ELFDATA2LSB) return damaged(fmt::format("its byte order is {}", ident[EI_DATA]));
  return ElfEncoding{.is_wide = is_wide, .is_swapped = is_big != kIsBigEndian};
}

Result<void> check_type(std::uint16_t type) {
  switch (type) {
    case ET_DYN: return {};
    case ET_REL: return fail("is an object file, not a shared object; link it with -shared");
    case ET_EXEC: return fail("is a program, not a shared object; build it with -fPIC and -shared");
    default: return fail("is not a shared object (ELF type {})", type);
  }
}

// The structs of both classes have the same names for the same things.
template <typename Header>
Elf64_Ehdr widened(const Header& raw, ElfEncoding e) {
  Elf64_Ehdr header{};
  std::memcpy(header.e_ident, raw.e_ident, EI_NIDENT);
  header.e_type = e(raw.e_type);
  header.e_machine = e(raw.e_machine);
  header.e_phoff = e(raw.e_phoff);
  header.e_shoff = e(raw.e_shoff);
  header.e_phentsize = e(raw.e_phentsize);
  header.e_phnum = e(raw.e_phnum);
  header.e_shentsize = e(raw.e_shentsize);
  header.e_shnum = e(raw.e_shnum);
  return header;
}

template <typename Segment>
Elf64_Phdr widened_segment(const Segment& raw, ElfEncoding e) {
  Elf64_Phdr segment{};
  segment.p_type = e(raw.p_type);
  segment.p_offset = e(raw.p_offset);
  segment.p_vaddr = e(raw.p_vaddr);
  segment.p_filesz = e(raw.p_filesz);
  segment.p_align = e(raw.p_align);
  return segment;
}

template <typename Entry>
Elf64_Dyn widened_entry(const Entry& raw, ElfEncoding e) {
  Elf64_Dyn entry{};
  entry.d_tag = e(raw.d_tag);
  entry.d_un.d_val = e(raw.d_un.d_val);
  return entry;
}

template <typename Symbol>
Elf64_Sym widened_symbol(const Symbol& raw, ElfEncoding e) {
  Elf64_Sym symbol{};
  symbol.st_name = e(raw.st_name);
  symbol.st_shndx = e(raw.st_shndx);
  return symbol;
}

template <typename Header>
Result<Elf64_Ehdr> read_header(const ElfFile& file, ElfEncoding encoding) {
  return file.read_one<Header>(0, "the ELF header").map([&](const Header& raw) { return widened(raw, encoding); });
}

// Reads the entries as the file has them, each `Raw`, and converts them.
template <typename Raw, typename Convert>
auto read_as(const ElfFile& file, std::uint64_t offset, std::uint64_t count, std::string_view what, Convert convert)
    -> Result<std::vector<decltype(convert(std::declval<Raw>()))>> {
  auto raw = file.read_array<Raw>(offset, count, what);
  if (!raw) return Failure(raw.error());
  std::vector<decltype(convert(std::declval<Raw>()))> result;
  result.reserve(raw->size());
  for (const Raw& entry : *raw) result.push_back(convert(entry));
  return result;
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
    const ssize_t n = retry_interrupted(
        [&] { return ::pread(fd_, result.data() + done, bytes - done, static_cast<off_t>(offset + done)); });
    if (n < 0) return fail_errno("cannot be read");
    if (n == 0) return truncated(what, offset + bytes, offset + done);
    done += static_cast<std::size_t>(n);
  }
  return result;
}

Result<std::vector<Elf64_Phdr>> read_segments(const ElfFile& file, ElfEncoding e, std::uint64_t offset,
                                              std::uint64_t count) {
  constexpr std::string_view kWhat = "the program header table";
  const auto convert = [e](const auto& raw) { return widened_segment(raw, e); };
  return e.is_wide ? read_as<Elf64_Phdr>(file, offset, count, kWhat, convert)
                   : read_as<Elf32_Phdr>(file, offset, count, kWhat, convert);
}

Result<std::vector<Elf64_Dyn>> read_dynamic_entries(const ElfFile& file, ElfEncoding e, const Elf64_Phdr& segment) {
  constexpr std::string_view kWhat = "the dynamic section";
  const auto convert = [e](const auto& raw) { return widened_entry(raw, e); };
  const std::uint64_t bytes = segment.p_filesz;
  return e.is_wide ? read_as<Elf64_Dyn>(file, segment.p_offset, bytes / sizeof(Elf64_Dyn), kWhat, convert)
                   : read_as<Elf32_Dyn>(file, segment.p_offset, bytes / sizeof(Elf32_Dyn), kWhat, convert);
}

Result<std::vector<Elf64_Sym>> read_symbols(const ElfFile& file, ElfEncoding e, std::uint64_t offset,
                                            std::uint64_t count) {
  constexpr std::string_view kWhat = "the symbol table";
  const auto convert = [e](const auto& raw) { return widened_symbol(raw, e); };
  return e.is_wide ? read_as<Elf64_Sym>(file, offset, count, kWhat, convert)
                   : read_as<Elf32_Sym>(file, offset, count, kWhat, convert);
}

Result<std::vector<std::uint64_t>> read_words(const ElfFile& file, ElfEncoding e, std::uint64_t offset,
                                              std::uint64_t count, std::size_t word_bytes, std::string_view what) {
  const auto convert = [e](const auto& raw) { return std::uint64_t{e(raw)}; };
  return word_bytes == 8 ? read_as<std::uint64_t>(file, offset, count, what, convert)
                         : read_as<std::uint32_t>(file, offset, count, what, convert);
}

std::string ElfHeaders::machine() const {
  const bool is_big = encoding.is_swapped != kIsBigEndian;
  return fmt::format("{}{}{}", machine_name(elf.e_machine), encoding.is_wide ? "" : " (32 bits)",
                     is_big ? " (big-endian)" : "");
}

bool ElfHeaders::is_of_this_machine() const {
  return elf.e_machine == kOwnMachine && encoding.is_wide && !encoding.is_swapped;
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

Result<ElfHeaders> read_headers(const ElfFile& file, Machines machines) {
  auto magic = file.read(0, std::min<std::uint64_t>(file.size(), SELFMAG), "the ELF header");
  if (!magic) return Failure(magic.error());
  // The linkers of binutils leave a hole where the ELF header is written last.
  const bool unwritten = std::all_of(magic->begin(), magic->end(), [](char c) { return c == '\0'; });
  if (*magic != std::string_view(ELFMAG, magic->size()) && !unwritten) return fail("is not an ELF file");
  if (file.size() == 0) return Failure(Error("is empty", kIncomplete));
  if (unwritten) return Failure(Error("is not an ELF file: it begins with zeros", kIncomplete));

  auto ident = file.read_one<std::array<unsigned char, EI_NIDENT>>(0, "the ELF header");
  if (!ident) return Failure(ident.error());
  auto encoding = read_encoding(*ident);
  if (!encoding) return Failure(encoding.error());
  const ElfEncoding e = *encoding;
  auto elf = e.is_wide ? read_header<Elf64_Ehdr>(file, e) : read_header<Elf32_Ehdr>(file, e);
  if (!elf) return Failure(elf.error());
  ElfHeaders headers{e, *elf, {}};
  if (machines == Machines::kOwn && !headers.is_of_this_machine()) {
    return fail("is for {}; this server is {}", headers.machine(), machine_name(kOwnMachine));
  }
  if (auto type = check_type(elf->e_type); !type) return Failure(type.error());
  if (elf->e_phentsize != (e.is_wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr)) || elf->e_phnum == 0 ||
      elf->e_phnum > kSegmentsMax) {
    return damaged(fmt::format("{} program headers of {} bytes", elf->e_phnum, elf->e_phentsize));
  }
  auto segments = read_segments(file, e, elf->e_phoff, elf->e_phnum);
  if (!segments) return Failure(segments.error());
  headers.segments = std::move(*segments);
  return headers;
}

Result<void> check_complete(int fd) {
  auto file = ElfFile::open(fd);
  if (!file) return Failure(file.error());
  auto headers = read_headers(*file, Machines::kOwn);
  if (!headers) return Failure(headers.error());
  for (const Elf64_Phdr& segment : headers->segments) {
    if (segment.p_type != PT_LOAD) continue;
    if (auto inside = file->holds(segment.p_offset, segment.p_filesz, "a segment"); !inside) return inside;
  }
  return check_section_table(*file, headers->elf);
}

}  // namespace forklift::plugin
