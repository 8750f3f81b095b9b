#include "plugin/elf.h"

#include <elf.h>
#include <fmt/format.h>
#include <forklift/plugin.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>
#include <utility>

#include "plugin/elf_file.h"

namespace forklift::plugin {
namespace {

// Like kTableBytesMax: beyond what linkers write.
constexpr std::uint64_t kStringBytesMax = 4096;
constexpr std::size_t kNeededMax = 1024;
// Of all notes: a header takes 56 bytes and may name the same gigabyte.
constexpr std::uint64_t kNoteBytesMax = 1024 * 1024;
constexpr std::uint64_t kHashChainMax = 65536;

// The dynamic section, as far as it is of use here.
struct Dynamic {
  std::optional<std::uint64_t> soname, runpath, rpath;  // offsets into the strings
  std::vector<std::uint64_t> needed;
  std::uint64_t strings = 0, symbols = 0, hash = 0, gnu_hash = 0;  // addresses; 0 is none
  std::uint64_t string_bytes = 0;
};

Result<Dynamic> read_dynamic(const ElfFile& file, const ElfHeaders& headers) {
  const Elf64_Phdr* segment = headers.first(PT_DYNAMIC);
  if (segment == nullptr) return fail("has no dynamic section; is it a file of debug symbols?");
  auto entries = read_dynamic_entries(file, headers.encoding, *segment);
  if (!entries) return Failure(entries.error());

  Dynamic dynamic;
  for (const Elf64_Dyn& entry : *entries) {
    const std::uint64_t value = entry.d_un.d_val;
    if (entry.d_tag == DT_NULL) break;
    if (entry.d_tag == DT_NEEDED) dynamic.needed.push_back(value);
    if (entry.d_tag == DT_SONAME) dynamic.soname = value;
    if (entry.d_tag == DT_RUNPATH) dynamic.runpath = value;
    if (entry.d_tag == DT_RPATH) dynamic.rpath = value;
    if (entry.d_tag == DT_STRTAB) dynamic.strings = value;
    if (entry.d_tag == DT_STRSZ) dynamic.string_bytes = value;
    if (entry.d_tag == DT_SYMTAB) dynamic.symbols = value;
    if (entry.d_tag == DT_HASH) dynamic.hash = value;
    if (entry.d_tag == DT_GNU_HASH) dynamic.gnu_hash = value;
  }
  if (dynamic.needed.size() > kNeededMax) return damaged(fmt::format("{} needed libraries", dynamic.needed.size()));
  return dynamic;
}

// The string that begins at `offset` of the string table; what has no end there ends with the table.
std::string string_at(std::string_view strings, std::uint64_t offset) {
  if (offset >= strings.size()) return {};
  const std::string_view rest = strings.substr(offset, kStringBytesMax);
  return std::string(rest.substr(0, rest.find('\0')));
}

std::vector<std::string> split_folders(std::string_view path) {
  std::vector<std::string> folders;
  while (!path.empty()) {
    const std::size_t colon = path.find(':');
    if (colon != 0) folders.emplace_back(path.substr(0, colon));
    path.remove_prefix(colon == std::string_view::npos ? path.size() : colon + 1);
  }
  return folders;
}

// Words of DT_HASH have four bytes, but eight on s390x and Alpha (glibc, bits/elfclass.h).
std::size_t hash_word_bytes(const ElfHeaders& headers) {
  const bool is_odd_one = headers.elf.e_machine == EM_S390 || headers.elf.e_machine == EM_ALPHA;
  return headers.encoding.is_wide && is_odd_one ? 8 : 4;
}

// The number of dynamic symbols, which stands nowhere: DT_HASH has as many chain entries; with DT_GNU_HASH it is behind
// the last symbol of the chain that begins furthest back.
Result<std::uint64_t> count_symbols(const ElfFile& file, const ElfHeaders& headers, const Dynamic& dynamic) {
  constexpr std::string_view kWhat = "the hash table";
  const ElfEncoding encoding = headers.encoding;
  if (const auto offset = headers.offset_of(dynamic.hash); dynamic.hash != 0 && offset) {
    auto words = read_words(file, encoding, *offset, 2, hash_word_bytes(headers), kWhat);
    if (!words) return Failure(words.error());
    return words->back();
  }
  const auto offset = headers.offset_of(dynamic.gnu_hash);
  if (dynamic.gnu_hash == 0 || !offset) return 0;
  auto header = read_words(file, encoding, *offset, 4, 4, kWhat);
  if (!header) return Failure(header.error());
  const std::uint64_t bucket_count = (*header)[0], first_hashed = (*header)[1], bloom_words = (*header)[2];
  // Sums of an offset within the file and of 32-bit numbers: they cannot overflow.
  const std::uint64_t buckets_at = *offset + 16 + bloom_words * (encoding.is_wide ? 8 : 4);
  auto buckets = read_words(file, encoding, buckets_at, bucket_count, 4, kWhat);
  if (!buckets) return Failure(buckets.error());
  const std::uint64_t last_chain = buckets->empty() ? 0 : *std::max_element(buckets->begin(), buckets->end());
  if (last_chain < first_hashed) return first_hashed;
  const std::uint64_t chains_at = buckets_at + bucket_count * 4;
  for (std::uint64_t symbol = last_chain; symbol < last_chain + kHashChainMax; ++symbol) {
    auto hash = read_words(file, encoding, chains_at + (symbol - first_hashed) * 4, 1, 4, kWhat);
    if (!hash) return Failure(hash.error());
    if ((hash->front() & 1) != 0) return symbol + 1;
  }
  return damaged("a chain of the hash table has no end");
}

Result<void> find_entries(const ElfFile& file, const ElfHeaders& headers, const Dynamic& dynamic,
                          std::string_view strings, ElfInfo& info) {
  constexpr std::string_view kEntry = FORKLIFT_ENTRY_SYMBOL;
  constexpr std::string_view kStem = kEntry.substr(0, kEntry.find_last_not_of("0123456789") + 1);
  const auto offset = headers.offset_of(dynamic.symbols);
  if (dynamic.symbols == 0 || !offset) return {};
  auto count = count_symbols(file, headers, dynamic);
  if (!count) return Failure(count.error());
  auto symbols = read_symbols(file, headers.encoding, *offset, *count);
  if (!symbols) return Failure(symbols.error());
  for (const Elf64_Sym& symbol : *symbols) {
    if (symbol.st_shndx == SHN_UNDEF || symbol.st_name >= strings.size()) continue;
    if (!strings.substr(symbol.st_name).starts_with(kStem)) continue;
    std::string name = string_at(strings, symbol.st_name);
    if (name == kEntry) {
      info.has_entry = true;
    } else if (name.find_first_not_of("0123456789", kStem.size()) == std::string::npos) {
      info.other_entry = std::move(name);
    }
  }
  return {};
}

std::uint64_t align_up(std::uint64_t value, std::uint64_t alignment) {
  return (value + alignment - 1) & ~(alignment - 1);
}

void take_note(std::string_view owner, std::uint32_t type, std::string_view descriptor, ElfEncoding encoding,
               ElfInfo& info) {
  using namespace std::string_view_literals;
  constexpr std::size_t kOwnBytes = sizeof(forklift_note) - offsetof(forklift_note, major);
  if (owner == "GNU\0"sv && type == NT_GNU_BUILD_ID) {
    info.build_id.clear();
    for (const char byte : descriptor.substr(0, 64)) {
      info.build_id += fmt::format("{:02x}", static_cast<unsigned char>(byte));
    }
  }
  if (owner == "Forklift\0"sv && type == FORKLIFT_NOTE_TYPE && descriptor.size() >= kOwnBytes) {
    forklift_note raw{};
    std::memcpy(&raw.major, descriptor.data(), sizeof raw.major);
    std::memcpy(&raw.minor, descriptor.data() + sizeof raw.major, sizeof raw.minor);
    descriptor.remove_prefix(sizeof raw.major + sizeof raw.minor);
    info.note = Note{encoding(raw.major), encoding(raw.minor), string_at(descriptor.substr(0, sizeof raw.name), 0),
                     string_at(descriptor.substr(sizeof raw.name, sizeof raw.plugin_version), 0)};
  }
}

// Walks the notes of one PT_NOTE segment (elf(5), "Notes"), and stops at the first that doesn't fit into it.
void take_notes(std::string_view notes, std::uint64_t alignment, ElfEncoding encoding, ElfInfo& info) {
  while (notes.size() >= sizeof(Elf64_Nhdr)) {
    Elf64_Nhdr header{};
    std::memcpy(&header, notes.data(), sizeof header);
    const std::uint64_t owner_bytes = encoding(header.n_namesz), descriptor_bytes = encoding(header.n_descsz);
    const std::uint64_t descriptor_at = align_up(sizeof header + owner_bytes, alignment);
    const std::uint64_t end = descriptor_at + descriptor_bytes;
    if (end > notes.size()) return;
    take_note(notes.substr(sizeof header, owner_bytes), encoding(header.n_type),
              notes.substr(descriptor_at, descriptor_bytes), encoding, info);
    notes.remove_prefix(std::min<std::uint64_t>(align_up(end, alignment), notes.size()));
  }
}

}  // namespace

Result<ElfInfo> read_elf(int fd) {
  auto file = ElfFile::open(fd);
  if (!file) return Failure(file.error());
  auto headers = read_headers(*file, Machines::kAny);
  if (!headers) return Failure(headers.error());
  auto dynamic = read_dynamic(*file, *headers);
  if (!dynamic) return Failure(dynamic.error());
  const auto strings_at = headers->offset_of(dynamic->strings);
  if (!strings_at) return damaged("its string table is not loaded");
  auto strings = file->read(*strings_at, dynamic->string_bytes, "the string table");
  if (!strings) return Failure(strings.error());

  ElfInfo info;
  info.machine = headers->machine();
  info.is_loadable = headers->is_of_this_machine();
  if (dynamic->soname) info.soname = string_at(*strings, *dynamic->soname);
  for (const std::uint64_t name : dynamic->needed) info.needed.push_back(string_at(*strings, name));
  // The loader ignores DT_RPATH where there is a DT_RUNPATH (ld.so(8)).
  const auto search = dynamic->runpath ? dynamic->runpath : dynamic->rpath;
  if (search) info.runpath = split_folders(string_at(*strings, *search));
  if (auto found = find_entries(*file, *headers, *dynamic, *strings, info); !found) return Failure(found.error());
  std::uint64_t note_bytes = 0;
  for (const Elf64_Phdr& segment : headers->segments) {
    if (segment.p_type != PT_NOTE) continue;
    if (segment.p_filesz > kNoteBytesMax - note_bytes) return damaged("it has more than a megabyte of notes");
    note_bytes += segment.p_filesz;
    auto notes = file->read(segment.p_offset, segment.p_filesz, "a note");
    if (!notes) return Failure(notes.error());
    take_notes(*notes, segment.p_align == 8 ? 8 : 4, headers->encoding, info);
  }
  return info;
}

}  // namespace forklift::plugin
