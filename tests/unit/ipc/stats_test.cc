#include "ipc/stats.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <random>
#include <string>

#include "../base/forked.h"
#include "ipc/page.h"

namespace forklift::ipc {
namespace {

using testing::IsEmpty;

class StatsTest : public testing::Test {
 protected:
  void SetUp() override {
    auto made = SharedPage::create();
    ASSERT_TRUE(made);
    page_ = std::move(*made);
  }

  // The mapping, as a plugin would find it.
  SharedLayout& mapping() {
    void* memory = nullptr;
    std::memcpy(static_cast<void*>(&memory), static_cast<const void*>(&page_), sizeof memory);
    return *static_cast<SharedLayout*>(memory);
  }

  SharedPage page_;
};

TEST_F(StatsTest, there_are_none_at_first) {
  EXPECT_THAT(page_.read_stats(), IsEmpty());
}

TEST_F(StatsTest, what_a_worker_has_counted_is_there_after_its_death) {
  in_child([this]() -> std::string {
    SharedStats stats = page_.stats();
    const std::size_t hits = stats.add(StatKind::kCounter, "hits", "pages that were found");
    const std::size_t level = stats.add(StatKind::kGauge, "level", "");
    stats.value(hits) += 3;
    stats.value(level) = static_cast<std::uint64_t>(std::int64_t{-4});
    return "";
  });
  const std::vector<Stat> stats = page_.read_stats();
  ASSERT_EQ(stats.size(), 2U);
  EXPECT_EQ(stats[0].kind, StatKind::kCounter);
  EXPECT_EQ(stats[0].name, "hits");
  EXPECT_EQ(stats[0].help, "pages that were found");
  EXPECT_EQ(stats[0].value, 3U);
  EXPECT_EQ(stats[1].kind, StatKind::kGauge);
  EXPECT_EQ(stats[1].name, "level");
  EXPECT_EQ(stats[1].help, "");
  EXPECT_EQ(static_cast<std::int64_t>(stats[1].value), -4);
}

TEST_F(StatsTest, as_many_fit_as_are_promised) {
  SharedStats stats = page_.stats();
  const std::string name(kStatNameMax - 2, 'n');
  const std::string help(kStatHelpMax, 'h');
  for (std::size_t i = 0; i < kStatsMax; ++i) {
    EXPECT_EQ(stats.add(StatKind::kCounter, name + std::to_string(10 + i), help), i);
    stats.value(i) = std::numeric_limits<std::uint64_t>::max() - i;
  }
  const std::vector<Stat> all = page_.read_stats();
  ASSERT_EQ(all.size(), kStatsMax);
  for (std::size_t i = 0; i < kStatsMax; ++i) {
    EXPECT_EQ(all[i].name, name + std::to_string(10 + i));
    EXPECT_EQ(all[i].help, help);
    EXPECT_EQ(all[i].value, std::numeric_limits<std::uint64_t>::max() - i);
  }
}

TEST_F(StatsTest, names_are_short_and_plain) {
  for (const char* good : {"a", "0", "_", "cache_bytes_2"}) EXPECT_TRUE(is_stat_name(good)) << good;
  EXPECT_TRUE(is_stat_name(std::string(kStatNameMax, 'a')));
  EXPECT_FALSE(is_stat_name(std::string(kStatNameMax + 1, 'a')));
  for (const char* bad : {"", "A", "a b", "a-b", "a\n", "\xc3\xa4", "\"", "a.b"})
    EXPECT_FALSE(is_stat_name(bad)) << bad;
  EXPECT_FALSE(is_stat_name(std::string_view("a\0b", 3)));
}

// A plugin may write anything there. The master reads it, and that must be all that happens.
TEST_F(StatsTest, garbage_from_the_other_side_is_harmless) {
  page_.stats().add(StatKind::kCounter, "hits", "");
  std::mt19937 random(1);
  for (int round = 0; round < 300; ++round) {
    for (std::byte& byte : mapping().stats) byte = static_cast<std::byte>(random());
    mapping().page.stats.store(static_cast<std::uint32_t>(random()));
    for (const Stat& stat : page_.read_stats()) {
      EXPECT_TRUE(is_stat_name(stat.name));
      EXPECT_LE(stat.help.size(), kStatHelpMax);
      EXPECT_TRUE(stat.kind == StatKind::kCounter || stat.kind == StatKind::kGauge);
    }
  }
}

TEST_F(StatsTest, one_that_makes_no_sense_is_left_out_and_the_others_stay) {
  SharedStats stats = page_.stats();
  for (const char* name : {"first", "second", "third"}) stats.add(StatKind::kCounter, name, "");
  auto& layout = *reinterpret_cast<StatsLayout*>(mapping().stats.data());
  layout.entries[0].name.text[0] = '\n';
  layout.entries[1].kind.store(static_cast<StatKind>(77));
  mapping().page.stats.store(0xffffffffU);
  const std::vector<Stat> left = page_.read_stats();
  ASSERT_EQ(left.size(), 1U);
  EXPECT_EQ(left[0].name, "third");
}

TEST_F(StatsTest, they_move_with_their_page) {
  page_.stats().value(page_.stats().add(StatKind::kCounter, "hits", "")) = 7;
  const SharedPage moved(std::move(page_));
  ASSERT_EQ(moved.read_stats().size(), 1U);
  EXPECT_EQ(moved.read_stats()[0].value, 7U);
}

}  // namespace
}  // namespace forklift::ipc
