#include "plugin/deferred_work.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "base/log.h"

namespace forklift::plugin {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class DeferredWorkTest : public testing::Test {
 protected:
  DeferredWorkTest() {
    log::redirect([this](log::Level, std::string_view line) { lines_.emplace_back(line); });
  }
  ~DeferredWorkTest() override { log::redirect(nullptr); }

  static void work(void*) {}
  int give(void* data = nullptr) { return table_->after_response(table_, work, data); }

  DeferredWork deferred_;
  const forklift_defer* table_ = deferred_.table();
  std::vector<std::string> lines_;
};

TEST_F(DeferredWorkTest, says_what_it_is) {
  EXPECT_EQ(table_->version.size, sizeof(forklift_defer));
  EXPECT_EQ(table_->version.major, FORKLIFT_API_MAJOR);
}

TEST_F(DeferredWorkTest, is_collected_in_order_and_not_run) {
  int first = 0, second = 0;
  {
    const DeferredWork::Window window(&deferred_);
    EXPECT_EQ(give(&first), FORKLIFT_OK);
    EXPECT_EQ(give(&second), FORKLIFT_OK);
  }
  ASSERT_EQ(deferred_.works().size(), 2U);
  EXPECT_EQ(deferred_.works()[0].data, &first);
  EXPECT_EQ(deferred_.works()[1].data, &second);
  EXPECT_EQ(deferred_.works()[1].function, &work);
  deferred_.clear();
  EXPECT_TRUE(deferred_.is_empty());
  EXPECT_THAT(lines_, IsEmpty());
}

TEST_F(DeferredWorkTest, is_refused_outside_of_a_request) {
  EXPECT_EQ(give(), FORKLIFT_EINVAL);
  { const DeferredWork::Window window(&deferred_); }
  EXPECT_EQ(give(), FORKLIFT_EINVAL);
  EXPECT_THAT(lines_, ElementsAre(HasSubstr("outside of produce()"), HasSubstr("outside of produce()")));
  EXPECT_TRUE(deferred_.is_empty());
}

TEST_F(DeferredWorkTest, is_refused_from_another_thread) {
  const DeferredWork::Window window(&deferred_);
  int result = 0;
  std::thread([&] { result = give(); }).join();
  EXPECT_EQ(result, FORKLIFT_EINVAL);
  EXPECT_TRUE(deferred_.is_empty());
  EXPECT_THAT(lines_, ElementsAre(HasSubstr("another thread")));
}

TEST_F(DeferredWorkTest, is_bounded_for_each_request) {
  for (int request = 0; request < 2; ++request) {
    const DeferredWork::Window window(&deferred_);
    for (int i = 0; i < FORKLIFT_DEFER_MAX; ++i) EXPECT_EQ(give(), FORKLIFT_OK);
    EXPECT_EQ(give(), FORKLIFT_ENOMEM);
    EXPECT_EQ(deferred_.works().size(), static_cast<std::size_t>(FORKLIFT_DEFER_MAX));
  }
}

TEST_F(DeferredWorkTest, null_is_no_work) {
  const DeferredWork::Window window(&deferred_);
  EXPECT_EQ(table_->after_response(table_, nullptr, this), FORKLIFT_EINVAL);
  EXPECT_EQ(table_->after_response(nullptr, work, this), FORKLIFT_EINVAL);
  EXPECT_TRUE(deferred_.is_empty());
}

TEST_F(DeferredWorkTest, a_window_of_nothing_is_harmless) {
  const DeferredWork::Window window(nullptr);
  EXPECT_EQ(give(), FORKLIFT_EINVAL);
}

}  // namespace
}  // namespace forklift::plugin
