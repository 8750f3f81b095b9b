// Plugins for other machines: of 32 and 64 bits, in both byte orders. They are read, and never taken for loading.
#include <gmock/gmock.h>

#include <random>

#include "foreign_elf.h"
#include "plugin/elf.h"
#include "workshop.h"

namespace forklift::plugin {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct Machine {
  const char* name;
  ForeignElf file;
};

const Machine kMachines[] = {
    {"riscv", {.machine = EM_RISCV}},
    {"riscv", {.machine = EM_RISCV, .has_gnu_hash = true}},
    {"ppc64 (big-endian)", {.is_big = true, .machine = EM_PPC64, .has_gnu_hash = true}},
    {"s390x (big-endian)", {.is_big = true, .machine = EM_S390, .hash_word_bytes = 8}},
    {"s390x (big-endian)", {.is_big = true, .machine = EM_S390, .has_gnu_hash = true}},
    {"arm (32 bits)", {.is_wide = false, .machine = EM_ARM, .has_gnu_hash = true}},
    {"i386 (32 bits)", {.is_wide = false, .machine = EM_386}},
    {"machine 8 (32 bits) (big-endian)", {.is_wide = false, .is_big = true, .machine = EM_MIPS}},
};

class ForeignElfTest : public Workshop {};

TEST_F(ForeignElfTest, tells_the_same_for_every_machine) {
  for (const Machine& machine : kMachines) {
    const UniqueFd file = open(write("abroad.so", machine.file.bytes()));
    const auto info = read_elf(file.get());
    ASSERT_TRUE(info) << machine.name << ": " << info.error().message();
    EXPECT_EQ(info->machine, machine.name);
    EXPECT_FALSE(info->is_loadable);
    EXPECT_TRUE(info->has_entry) << machine.name;
    EXPECT_EQ(info->soname, "abroad.so");
    EXPECT_THAT(info->needed, ElementsAre("libabroad.so.1"));
    EXPECT_THAT(info->runpath, ElementsAre("$ORIGIN/lib"));
    EXPECT_EQ(info->build_id, "deadbeef");
    ASSERT_TRUE(info->note) << machine.name;
    EXPECT_EQ(info->note->major, FORKLIFT_API_MAJOR);
    EXPECT_EQ(info->note->minor, FORKLIFT_API_MINOR);
    EXPECT_EQ(info->note->name, "abroad");
    EXPECT_EQ(info->note->plugin_version, "3.1");
  }
}

TEST_F(ForeignElfTest, finds_the_entry_of_another_major) {
  for (Machine machine : kMachines) {
    machine.file.entry = "forklift_plugin_v2";
    const auto info = read_elf(open(write("abroad.so", machine.file.bytes())).get());
    ASSERT_TRUE(info) << machine.name << ": " << info.error().message();
    EXPECT_FALSE(info->has_entry);
    EXPECT_EQ(info->other_entry, "forklift_plugin_v2") << machine.name;
  }
}

TEST_F(ForeignElfTest, is_not_loaded_however_short_it_is) {
  for (const Machine& machine : kMachines) {
    const std::string bytes = machine.file.bytes();
    for (const std::size_t size : {bytes.size(), std::size_t{64}}) {
      const auto checked = check_complete(open(write("abroad.so", bytes.substr(0, size))).get());
      ASSERT_FALSE(checked) << machine.name;
      EXPECT_THAT(checked.error().message(), HasSubstr(std::string("is for ") + machine.name + "; this server is "));
      EXPECT_NE(checked.error().code(), kIncomplete) << "no waiting makes it another machine's";
    }
  }
}

TEST_F(ForeignElfTest, of_no_known_class_or_byte_order_is_damaged) {
  for (const std::size_t at : {EI_CLASS, EI_DATA}) {
    std::string bytes = ForeignElf().bytes();
    bytes[at] = 3;
    const auto info = read_elf(open(write("abroad.so", bytes)).get());
    ASSERT_FALSE(info);
    EXPECT_THAT(info.error().message(), HasSubstr("is damaged: its "));
  }
}

// Nothing that is in a file may crash, hang or trip a sanitizer.
TEST_F(ForeignElfTest, survives_thousands_of_mutations) {
  std::mt19937 random(20260101);
  constexpr std::uint64_t kValues[] = {0, 1, 7, 0x7f, 0xff, 0xffff, 0x7fffffff, 0xffffffff, 1ULL << 62, ~0ULL};
  std::size_t refused = 0;
  for (const Machine& machine : kMachines) {
    const std::string good = machine.file.bytes();
    for (int round = 0; round < 1000; ++round) {
      std::string mutant = good;
      for (unsigned change = 0; change <= random() % 4; ++change) {
        const std::uint64_t value = random() % 2 == 0 ? random() : kValues[random() % std::size(kValues)];
        const std::size_t width = std::size_t{1} << random() % 4;
        const std::size_t at = random() % (mutant.size() - width);
        std::memcpy(mutant.data() + at, &value, width);
      }
      if (random() % 8 == 0) mutant.resize(random() % mutant.size());
      if (!read_elf(open(write("mutant.so", mutant)).get())) ++refused;
    }
  }
  EXPECT_GT(refused, 500U);
}

}  // namespace
}  // namespace forklift::plugin
