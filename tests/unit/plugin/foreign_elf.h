// A plugin for any machine, written byte by byte: what a linker for it would write, as far as it is read.
#pragma once

#include <elf.h>
#include <forklift/plugin.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace forklift::plugin {

struct ForeignElf {
  bool is_wide = true;
  bool is_big = false;
  std::uint16_t machine = EM_AARCH64;
  bool has_gnu_hash = false;
  std::size_t hash_word_bytes = 4;
  std::string name = "abroad";
  std::string entry = "forklift_plugin_v1";
  std::string needed = "libabroad.so.1";

  // The file's bytes.
  std::string bytes() const {
    const std::string strings =
        std::string(1, '\0') + entry + '\0' + needed + '\0' + "abroad.so" + '\0' + "$ORIGIN/lib" + '\0';
    const std::size_t entry_at = 1, needed_at = entry_at + entry.size() + 1, soname_at = needed_at + needed.size() + 1,
                      runpath_at = soname_at + sizeof "abroad.so";
    const std::string symbols = symbol(0, SHN_UNDEF) + symbol(entry_at, 7);
    const std::string hashes = has_gnu_hash ? gnu_hash() : hash();
    const std::string notes = note();

    // All of it is loaded where it stands in the file, and the headers of three segments come first.
    const std::size_t header_bytes = is_wide ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr);
    const std::size_t segment_bytes = is_wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
    const std::size_t strings_at = (header_bytes + 3 * segment_bytes + 7) / 8 * 8;
    const std::size_t symbols_at = (strings_at + strings.size() + 7) / 8 * 8;
    const std::size_t hashes_at = symbols_at + symbols.size();
    const std::size_t notes_at = (hashes_at + hashes.size() + 7) / 8 * 8;
    const std::size_t dynamic_at = (notes_at + notes.size() + 7) / 8 * 8;
    const std::string dynamic = entry_of(DT_NEEDED, needed_at) + entry_of(DT_SONAME, soname_at) +
                                entry_of(DT_RUNPATH, runpath_at) + entry_of(DT_STRTAB, strings_at) +
                                entry_of(DT_STRSZ, strings.size()) + entry_of(DT_SYMTAB, symbols_at) +
                                entry_of(has_gnu_hash ? DT_GNU_HASH : DT_HASH, hashes_at) + entry_of(DT_NULL, 0);
    const std::size_t end = dynamic_at + dynamic.size();

    std::string file = header(header_bytes, segment_bytes);
    file += segment(PT_LOAD, 0, end) + segment(PT_DYNAMIC, dynamic_at, dynamic.size()) +
            segment(PT_NOTE, notes_at, notes.size());
    const auto place = [&file](std::size_t at, const std::string& part) {
      file.resize(at, '\0');
      file += part;
    };
    place(strings_at, strings);
    place(symbols_at, symbols);
    place(hashes_at, hashes);
    place(notes_at, notes);
    place(dynamic_at, dynamic);
    return file;
  }

 private:
  std::string number(std::uint64_t value, std::size_t size) const {
    std::string text;
    for (std::size_t i = 0; i < size; ++i) text += static_cast<char>(value >> 8 * (is_big ? size - 1 - i : i) & 0xff);
    return text;
  }
  std::string half(std::uint64_t value) const { return number(value, 2); }
  std::string word(std::uint64_t value) const { return number(value, 4); }
  std::string native(std::uint64_t value) const { return number(value, is_wide ? 8 : 4); }

  std::string header(std::size_t header_bytes, std::size_t segment_bytes) const {
    std::string ident(EI_NIDENT, '\0');
    ident.replace(0, SELFMAG, ELFMAG);
    ident[EI_CLASS] = is_wide ? ELFCLASS64 : ELFCLASS32;
    ident[EI_DATA] = is_big ? ELFDATA2MSB : ELFDATA2LSB;
    ident[EI_VERSION] = EV_CURRENT;
    return ident + half(ET_DYN) + half(machine) + word(EV_CURRENT) + native(0) + native(header_bytes) + native(0) +
           word(0) + half(header_bytes) + half(segment_bytes) + half(3) + half(0) + half(0) + half(0);
  }
  std::string segment(std::uint32_t type, std::size_t at, std::size_t size) const {
    const std::string place = native(at) + native(at) + native(at) + native(size) + native(size);
    return is_wide ? word(type) + word(PF_R) + place + native(4) : word(type) + place + word(PF_R) + native(4);
  }
  std::string entry_of(std::uint64_t tag, std::uint64_t value) const { return native(tag) + native(value); }
  std::string symbol(std::size_t name_at, std::uint16_t section) const {
    const std::string kind(1, static_cast<char>(STB_GLOBAL << 4 | STT_FUNC));
    const std::string other(1, '\0');
    return is_wide ? word(name_at) + kind + other + half(section) + native(0) + native(0)
                   : word(name_at) + native(0) + native(0) + kind + other + half(section);
  }
  // One bucket, with both symbols in its chain.
  std::string hash() const {
    std::string table;
    for (const std::uint64_t value : {1, 2, 1, 0, 0}) table += number(value, hash_word_bytes);
    return table;
  }
  // One bucket, one word of the filter, and a chain of the one symbol that is no import.
  std::string gnu_hash() const { return word(1) + word(1) + word(1) + word(0) + native(~0ULL) + word(1) + word(1); }
  std::string note() const {
    const std::string id = "\xde\xad\xbe\xef";
    std::string own_name = name, version = "3.1";
    own_name.resize(64, '\0');
    version.resize(64, '\0');
    using namespace std::string_literals;
    return word(4) + word(id.size()) + word(NT_GNU_BUILD_ID) + "GNU\0"s + id + word(9) + word(132) +
           word(FORKLIFT_NOTE_TYPE) + "Forklift\0\0\0\0"s + half(FORKLIFT_API_MAJOR) + half(FORKLIFT_API_MINOR) +
           own_name + version;
  }
};

}  // namespace forklift::plugin
