#include "plugin/stats_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <optional>
#include <thread>
#include <vector>

#include "base/log.h"
#include "ipc/page.h"

namespace forklift::plugin {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class StatsTableTest : public testing::Test {
 protected:
  StatsTableTest() {
    log::redirect([this](log::Level level, std::string_view line) {
      lines_.push_back(std::string(log::to_string(level)) + ": " + std::string(line));
    });
  }
  ~StatsTableTest() override { log::redirect(nullptr); }
  void SetUp() override {
    auto page = ipc::SharedPage::create();
    ASSERT_TRUE(page);
    page_ = std::move(*page);
    made_.emplace(page_.stats());
    table_ = made_->table();
  }

  int counter(const char* name, const char* help = nullptr) { return table_->counter(table_, name, help); }
  int gauge(const char* name, const char* help = nullptr) { return table_->gauge(table_, name, help); }
  std::uint64_t value(std::size_t index) { return page_.read_stats().at(index).value; }

  ipc::SharedPage page_;
  std::optional<StatsTable> made_;
  const forklift_stats* table_ = nullptr;
  std::vector<std::string> lines_;
};

TEST_F(StatsTableTest, says_what_it_is) {
  EXPECT_EQ(table_->version.size, sizeof(forklift_stats));
  EXPECT_EQ(table_->version.major, FORKLIFT_API_MAJOR);
}

TEST_F(StatsTableTest, counters_count_and_gauges_are_set) {
  const int hits = counter("hits", "pages");
  const int level = gauge("level");
  ASSERT_GT(hits, 0);
  ASSERT_GT(level, 0);
  table_->add(table_, hits, 1);
  table_->add(table_, hits, 41);
  table_->add(table_, hits, 0);
  table_->set(table_, level, -7);
  table_->add(table_, level, 2);
  EXPECT_EQ(value(0), 42U);
  EXPECT_EQ(static_cast<std::int64_t>(value(1)), -5);
  EXPECT_EQ(page_.read_stats()[0].help, "pages");
  EXPECT_THAT(lines_, IsEmpty());
}

TEST_F(StatsTableTest, a_counter_never_falls_and_is_never_set) {
  const int hits = counter("hits");
  table_->add(table_, hits, 5);
  table_->add(table_, hits, -1);
  table_->add(table_, hits, std::numeric_limits<int64_t>::min());
  table_->set(table_, hits, 3);
  EXPECT_EQ(value(0), 5U);
}

TEST_F(StatsTableTest, sums_stay_at_the_end_of_their_bits) {
  constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
  const int hits = counter("hits");
  for (int i = 0; i < 3; ++i) table_->add(table_, hits, kMost);
  EXPECT_EQ(value(0), std::numeric_limits<std::uint64_t>::max());
  const int level = gauge("level");
  table_->set(table_, level, std::numeric_limits<std::int64_t>::min());
  table_->add(table_, level, -1);
  EXPECT_EQ(static_cast<std::int64_t>(value(1)), std::numeric_limits<std::int64_t>::min());
  table_->set(table_, level, kMost);
  table_->add(table_, level, 1);
  EXPECT_EQ(static_cast<std::int64_t>(value(1)), kMost);
}

TEST_F(StatsTableTest, numbers_that_are_none_do_nothing) {
  const int hits = counter("hits");
  for (const int none : {0, -1, int{FORKLIFT_EINVAL}, hits + 1, 32, 33, std::numeric_limits<int>::max()}) {
    table_->add(table_, none, 1);
    table_->set(table_, none, 1);
  }
  table_->add(nullptr, hits, 1);
  table_->set(nullptr, hits, 1);
  EXPECT_EQ(value(0), 0U);
}

TEST_F(StatsTableTest, the_same_name_is_the_same_number) {
  const int hits = counter("hits");
  EXPECT_EQ(counter("hits", "again"), hits);
  EXPECT_EQ(page_.read_stats().size(), 1U);
  EXPECT_EQ(gauge("hits"), FORKLIFT_EINVAL);
  EXPECT_THAT(lines_, ElementsAre("error: the plugin's statistic \"hits\": it is a counter and a gauge"));
}

TEST_F(StatsTableTest, thirty_two_and_no_more) {
  for (int i = 0; i < FORKLIFT_STATS_MAX; ++i) EXPECT_GT(counter(("c" + std::to_string(i)).c_str()), 0) << i;
  EXPECT_EQ(counter("one_more"), FORKLIFT_EINVAL);
  EXPECT_THAT(lines_, ElementsAre("error: the plugin's statistic \"one_more\": a plugin has at most 32"));
  EXPECT_GT(counter("c0"), 0) << "which is there";
}

TEST_F(StatsTableTest, bad_names_are_refused_and_named) {
  const std::string longest(FORKLIFT_STATS_NAME_MAX, 'a');
  EXPECT_GT(counter(longest.c_str()), 0);
  for (const std::string& bad : {std::string(), std::string("Hits"), std::string("a b\n"), longest + "a"}) {
    lines_.clear();
    EXPECT_EQ(counter(bad.c_str()), FORKLIFT_EINVAL) << bad;
    EXPECT_THAT(lines_, ElementsAre(HasSubstr("its name is not 1 to 48 of [a-z0-9_]")));
  }
  EXPECT_EQ(counter(nullptr), FORKLIFT_EINVAL);
  EXPECT_EQ(table_->counter(nullptr, "hits", nullptr), FORKLIFT_EINVAL);
}

TEST_F(StatsTableTest, a_long_text_is_cut_between_characters) {
  const std::string text = std::string(FORKLIFT_STATS_HELP_MAX - 1, 'a') + "\xc3\xa4 and more";
  counter("hits", text.c_str());
  EXPECT_EQ(page_.read_stats()[0].help, std::string(FORKLIFT_STATS_HELP_MAX - 1, 'a'));
}

TEST_F(StatsTableTest, none_is_registered_behind_create_or_on_another_thread) {
  int result = 0;
  std::thread([&] { result = counter("elsewhere"); }).join();
  EXPECT_EQ(result, FORKLIFT_EINVAL);
  made_->close();
  EXPECT_EQ(counter("late"), FORKLIFT_EINVAL);
  EXPECT_THAT(lines_, ElementsAre(HasSubstr("another thread"), HasSubstr("outside of create()")));
  EXPECT_THAT(page_.read_stats(), IsEmpty());
}

TEST_F(StatsTableTest, many_threads_count_without_losing_one) {
  const int hits = counter("hits");
  const int level = gauge("level");
  made_->close();
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int k = 0; k < 10'000; ++k) {
        table_->add(table_, hits, 1);
        table_->add(table_, level, k % 2 == 0 ? 1 : -1);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(value(0), 40'000U);
  EXPECT_EQ(value(1), 0U);
}

}  // namespace
}  // namespace forklift::plugin
