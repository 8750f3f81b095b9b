#include "plugin/elf.h"

#include <elf.h>
#include <forklift/plugin.h>
#include <gmock/gmock.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <random>

#include "workshop.h"

namespace forklift::plugin {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class ElfTest : public Workshop {
 protected:
  Result<ElfInfo> info_of(const std::string& path) { return read_elf(open(path).get()); }

  // The error of check_complete() for a file of these bytes; empty if there is none.
  std::string complaint(const std::string& bytes) {
    const auto checked = check_complete(open(write("spoilt.so", bytes)).get());
    return checked ? "" : checked.error().message();
  }

  bool may_grow(const std::string& bytes) {
    const auto checked = check_complete(open(write("growing.so", bytes)).get());
    return !checked && checked.error().code() == kIncomplete;
  }
};

template <typename T>
std::string patched(std::string bytes, std::size_t offset, T value) {
  std::memcpy(bytes.data() + offset, &value, sizeof value);
  return bytes;
}

TEST_F(ElfTest, tells_what_a_plugin_says_of_itself) {
  build("libgreet.so", "int greet(void) { return 42; }", "-Wl,-soname,libgreet.so.1");
  const std::string plugin = build("plugin.so", kGoodSource,
                                   "-Wl,--no-as-needed -L " + folder_ + " -lgreet -Wl,-soname,plugin.so.2 " +
                                       "-Wl,--build-id=0xC0FFEE12 '-Wl,-rpath,$ORIGIN/lib:/opt/greet/lib'");
  const auto info = info_of(plugin);
  ASSERT_TRUE(info) << info.error().message();
  EXPECT_EQ(info->soname, "plugin.so.2");
  EXPECT_THAT(info->needed, Contains("libgreet.so.1"));
  EXPECT_THAT(info->runpath, ElementsAre("$ORIGIN/lib", "/opt/greet/lib"));
  EXPECT_EQ(info->build_id, "c0ffee12");
  EXPECT_TRUE(info->has_entry);
  EXPECT_EQ(info->other_entry, "");
  ASSERT_TRUE(info->note);
  EXPECT_EQ(info->note->major, FORKLIFT_API_MAJOR);
  EXPECT_EQ(info->note->minor, FORKLIFT_API_MINOR);
  EXPECT_EQ(info->note->name, "good");
  EXPECT_EQ(info->note->plugin_version, "1.2");
  EXPECT_TRUE(check_complete(open(plugin).get()));
}

TEST_F(ElfTest, finds_the_entry_whatever_hash_table_the_linker_wrote) {
  for (const char* style : {"sysv", "gnu", "both"}) {
    const auto info = info_of(build("plugin.so", kGoodSource, std::string("-Wl,--hash-style=") + style));
    ASSERT_TRUE(info) << style << ": " << info.error().message();
    EXPECT_TRUE(info->has_entry) << style;
  }
}

TEST_F(ElfTest, reads_a_plugin_without_sections_or_symbols_as_the_loader_does) {
  const std::string plugin = build("plugin.so", kGoodSource, "-s");
  std::string bytes = read(plugin);
  bytes = patched<std::uint64_t>(bytes, offsetof(Elf64_Ehdr, e_shoff), 0);
  bytes = patched<std::uint16_t>(bytes, offsetof(Elf64_Ehdr, e_shnum), 0);
  const auto info = info_of(write("bare.so", bytes));
  ASSERT_TRUE(info) << info.error().message();
  EXPECT_TRUE(info->has_entry);
  EXPECT_EQ(info->note->name, "good");
  EXPECT_EQ(complaint(bytes), "");
}

TEST_F(ElfTest, finds_the_entry_of_another_major) {
  const auto info = info_of(build("future.so", "const void *forklift_plugin_v2(void) { return 0; }"));
  ASSERT_TRUE(info) << info.error().message();
  EXPECT_FALSE(info->has_entry);
  EXPECT_EQ(info->other_entry, "forklift_plugin_v2");
  EXPECT_FALSE(info->note);
}

TEST_F(ElfTest, takes_no_similar_name_and_no_import_for_an_entry) {
  const auto info = info_of(build("similar.so", R"(
    extern const void *forklift_plugin_v1(void);
    const void *forklift_plugin_v2_helper(void) { return forklift_plugin_v1(); })"));
  ASSERT_TRUE(info) << info.error().message();
  EXPECT_FALSE(info->has_entry);
  EXPECT_EQ(info->other_entry, "");
}

TEST_F(ElfTest, the_old_rpath_counts_where_there_is_no_runpath) {
  const auto info = info_of(build("old.so", kGoodSource, "'-Wl,--disable-new-dtags,-rpath,$ORIGIN::/opt:'"));
  ASSERT_TRUE(info) << info.error().message();
  EXPECT_THAT(info->runpath, ElementsAre("$ORIGIN", "/opt"));
}

TEST_F(ElfTest, refuses_what_is_no_elf_file) {
  EXPECT_EQ(complaint("#!/bin/sh\necho hello\n"), "is not an ELF file");
  EXPECT_EQ(complaint("x"), "is not an ELF file");
  EXPECT_FALSE(may_grow("x"));
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const UniqueFd reader(ends[0]), writer(ends[1]);
  EXPECT_EQ(check_complete(reader.get()).error().message(), "is not a regular file");
}

TEST_F(ElfTest, a_file_that_may_be_the_beginning_of_one_may_grow) {
  EXPECT_EQ(complaint(""), "is empty");
  EXPECT_TRUE(may_grow(""));
  EXPECT_TRUE(may_grow("\177EL"));
  // binutils' ld writes the ELF header last.
  EXPECT_TRUE(may_grow(std::string(10000, '\0')));
}

TEST_F(ElfTest, refuses_other_machines_by_name) {
  const std::string good = read(build("good.so", kGoodSource));
  std::uint16_t own = 0;
  std::memcpy(&own, good.data() + offsetof(Elf64_Ehdr, e_machine), sizeof own);
  const bool on_x86 = own == EM_X86_64;
  const std::uint16_t other = on_x86 ? EM_AARCH64 : EM_X86_64;
  EXPECT_THAT(complaint(patched(good, offsetof(Elf64_Ehdr, e_machine), other)),
              HasSubstr(on_x86 ? "is for aarch64; this server is x86-64" : "is for x86-64; this server is "));
  EXPECT_FALSE(may_grow(patched(good, offsetof(Elf64_Ehdr, e_machine), other)));
  std::string narrow = patched<char>(good, EI_CLASS, ELFCLASS32);
  EXPECT_THAT(complaint(patched<std::uint16_t>(narrow, offsetof(Elf64_Ehdr, e_machine), EM_386)),
              HasSubstr("is for i386 (32 bits)"));
  EXPECT_THAT(complaint(patched<std::uint16_t>(good, offsetof(Elf64_Ehdr, e_machine), 4711)),
              HasSubstr("is for machine 4711"));
}

TEST_F(ElfTest, refuses_objects_and_programs) {
  const std::string good = read(build("good.so", kGoodSource));
  EXPECT_THAT(complaint(read(build("part.o", kGoodSource, "-c -no-pie"))), HasSubstr("is an object file"));
  EXPECT_THAT(complaint(patched<std::uint16_t>(good, offsetof(Elf64_Ehdr, e_type), ET_EXEC)),
              HasSubstr("is a program, not a shared object"));
}

TEST_F(ElfTest, every_shorter_length_is_truncated_and_may_grow) {
  const std::string good = read(build("good.so", kGoodSource));
  EXPECT_EQ(complaint(good), "");
  EXPECT_EQ(complaint(good.substr(0, good.size() - 1)), "is truncated: the section table needs " +
                                                            std::to_string(good.size()) + " bytes, the file has " +
                                                            std::to_string(good.size() - 1));
  for (std::size_t size = 0; size < good.size(); size += 97) {
    EXPECT_TRUE(may_grow(good.substr(0, size))) << size;
  }
}

TEST_F(ElfTest, numbers_beyond_any_file_are_damage) {
  const std::string good = read(build("good.so", kGoodSource));
  constexpr std::uint64_t kHuge = ~std::uint64_t{0} - 8;
  EXPECT_THAT(complaint(patched(good, offsetof(Elf64_Ehdr, e_phoff), kHuge)), HasSubstr("is damaged"));
  EXPECT_THAT(complaint(patched(good, offsetof(Elf64_Ehdr, e_shoff), kHuge)), HasSubstr("is damaged"));
  EXPECT_THAT(complaint(patched<std::uint16_t>(good, offsetof(Elf64_Ehdr, e_phentsize), 1)), HasSubstr("is damaged"));
  EXPECT_THAT(complaint(patched<std::uint16_t>(good, offsetof(Elf64_Ehdr, e_phnum), 0xffff)), HasSubstr("is damaged"));
  EXPECT_THAT(complaint(patched<std::uint16_t>(good, offsetof(Elf64_Ehdr, e_shentsize), 63)), HasSubstr("is damaged"));
}

// Each of 65,535 program headers could name the same 64 MB of notes.
TEST_F(ElfTest, a_flood_of_notes_is_damage) {
  std::string flood = read(build("good.so", kGoodSource));
  Elf64_Ehdr header{};
  std::memcpy(&header, flood.data(), sizeof header);
  for (std::size_t i = 0; i < header.e_phnum; ++i) {
    const std::size_t at = header.e_phoff + i * sizeof(Elf64_Phdr);
    Elf64_Phdr segment{};
    std::memcpy(&segment, flood.data() + at, sizeof segment);
    if (segment.p_type != PT_NOTE) continue;
    flood = patched<std::uint64_t>(flood, at + offsetof(Elf64_Phdr, p_filesz), 2 << 20);
  }
  flood.resize(4 << 20);
  const auto info = info_of(write("flood.so", flood));
  ASSERT_FALSE(info);
  EXPECT_THAT(info.error().message(), HasSubstr("more than a megabyte of notes"));
}

// No seed of the mutations may crash, hang or trip a sanitizer; what the functions answer doesn't matter.
TEST_F(ElfTest, survives_thousands_of_mutations) {
  build("libgreet.so", "int greet(void) { return 42; }");
  const std::string good =
      read(build("good.so", kGoodSource,
                 "-s -Wl,--no-as-needed -Wl,--hash-style=both -L " + folder_ + " -lgreet '-Wl,-rpath,$ORIGIN'"));
  // What is read lies at both ends of the file, the code in the middle is not of interest.
  constexpr std::size_t kHeadBytes = 2048;
  ASSERT_GT(good.size(), 2 * kHeadBytes);
  const UniqueFd file(::memfd_create("mutant", MFD_CLOEXEC));
  ASSERT_EQ(::pwrite(file.get(), good.data(), good.size(), 0), static_cast<ssize_t>(good.size()));
  std::mt19937 random(20240229);
  constexpr std::uint64_t kValues[] = {0, 1, 7, 0x7f, 0xff, 0xffff, 0x7fffffff, 0xffffffff, 1ULL << 62, ~0ULL};
  std::size_t refused = 0;
  for (int round = 0; round < 6000; ++round) {
    std::string mutant = good;
    for (unsigned change = 0; change <= random() % 4; ++change) {
      const std::size_t from_start = random() % kHeadBytes;
      const std::size_t at = random() % 2 == 0 ? from_start : mutant.size() - 8 - from_start;
      const std::uint64_t value = random() % 2 == 0 ? random() : kValues[random() % std::size(kValues)];
      const std::size_t width = std::size_t{1} << random() % 4;
      std::memcpy(mutant.data() + at, &value, std::min(width, mutant.size() - at));
    }
    const std::size_t size = random() % 8 == 0 ? random() % mutant.size() : mutant.size();
    ASSERT_EQ(::pwrite(file.get(), mutant.data(), mutant.size(), 0), static_cast<ssize_t>(mutant.size()));
    ASSERT_EQ(::ftruncate(file.get(), static_cast<off_t>(size)), 0);
    if (!check_complete(file.get())) ++refused;
    if (!read_elf(file.get())) ++refused;
  }
  EXPECT_GT(refused, 1000U);
}

}  // namespace
}  // namespace forklift::plugin
