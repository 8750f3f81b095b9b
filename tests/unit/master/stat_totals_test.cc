#include "master/stat_totals.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace forklift::master {
namespace {

using ipc::Stat;
using ipc::StatKind;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

Stat counter(std::string name, std::uint64_t value) {
  return {.kind = StatKind::kCounter, .name = std::move(name), .help = {}, .value = value};
}
Stat gauge(std::string name, std::int64_t value) {
  return {.kind = StatKind::kGauge, .name = std::move(name), .help = {}, .value = static_cast<std::uint64_t>(value)};
}

std::vector<std::pair<std::string, std::int64_t>> values(const StatTotals& totals) {
  std::vector<std::pair<std::string, std::int64_t>> all;
  totals.for_each([&](const Stat& stat) { all.emplace_back(stat.name, static_cast<std::int64_t>(stat.value)); });
  return all;
}

TEST(StatTotalsTest, workers_are_added_up_by_name) {
  StatTotals totals;
  totals.add_live({counter("hits", 3), gauge("level", -5)});
  totals.add_live({gauge("level", 2), counter("hits", 4), counter("other", 1)});
  EXPECT_THAT(values(totals), ElementsAre(Pair("hits", 7), Pair("level", -3), Pair("other", 1)));
}

TEST(StatTotalsTest, of_the_dead_only_counters_stay) {
  StatTotals totals;
  totals.add_dead({counter("hits", 3), gauge("level", 5)});
  EXPECT_THAT(values(totals), ElementsAre(Pair("hits", 3)));
  StatTotals all;
  all += totals;
  all += totals;
  EXPECT_THAT(values(all), ElementsAre(Pair("hits", 6)));
}

TEST(StatTotalsTest, a_name_that_has_been_both_is_two) {
  StatTotals totals;
  totals.add_dead({counter("hits", 3)});
  totals.add_live({gauge("hits", 5)});
  EXPECT_THAT(values(totals), ElementsAre(Pair("hits", 3), Pair("hits", 5)));
}

TEST(StatTotalsTest, sums_stay_at_the_end_of_what_64_bits_hold) {
  constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
  constexpr auto kLeast = std::numeric_limits<std::int64_t>::min();
  StatTotals totals;
  for (int i = 0; i < 2; ++i) {
    totals.add_live(
        {counter("c", std::numeric_limits<std::uint64_t>::max() - 1), gauge("up", kMost), gauge("down", kLeast)});
  }
  EXPECT_THAT(values(totals), ElementsAre(Pair("c", -1), Pair("up", kMost), Pair("down", kLeast)));
}

TEST(StatTotalsTest, a_plugin_that_makes_up_names_fills_no_memory) {
  StatTotals totals;
  for (int worker = 0; worker < 1000; ++worker) totals.add_dead({counter("n" + std::to_string(worker), 1)});
  EXPECT_EQ(values(totals).size(), StatTotals::kNamesMax);
  totals.add_dead({counter("n0", 1)});
  EXPECT_THAT(values(totals).front(), Pair("n0", 2)) << "those that are known go on";
}

TEST(StatTotalsTest, the_text_is_that_of_those_who_live) {
  StatTotals totals;
  Stat hits = counter("hits", 1);
  hits.help = "old";
  totals.add_dead({hits});
  hits.help = "new";
  totals.add_live({hits});
  totals.for_each([](const Stat& stat) { EXPECT_EQ(stat.help, "new"); });
  EXPECT_THAT(values(StatTotals()), IsEmpty());
}

}  // namespace
}  // namespace forklift::master
