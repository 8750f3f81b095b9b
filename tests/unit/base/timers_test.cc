#include "base/timers.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace forklift {
namespace {

TimePoint at(int ms) {
  return TimePoint(milliseconds(ms));
}

class TimersTest : public testing::Test {
 protected:
  // A timer that writes its name down when it runs.
  std::unique_ptr<Timer> named(const std::string& name) {
    return std::make_unique<Timer>([this, name] { ran_ += name; });
  }

  Timers timers_;
  std::string ran_;
};

TEST_F(TimersTest, nothing_is_due_in_an_empty_heap) {
  EXPECT_EQ(timers_.next(), kNever);
  timers_.run(kNever);
}

TEST_F(TimersTest, run_takes_the_earliest_first_and_leaves_what_is_not_due) {
  auto a = named("a"), b = named("b"), c = named("c"), d = named("d");
  d->set(timers_, at(40));
  b->set(timers_, at(20));
  a->set(timers_, at(10));
  c->set(timers_, at(30));
  EXPECT_EQ(timers_.next(), at(10));
  timers_.run(at(9));
  EXPECT_EQ(ran_, "");
  timers_.run(at(30));
  EXPECT_EQ(ran_, "abc");
  EXPECT_FALSE(c->is_set());
  EXPECT_EQ(timers_.next(), at(40));
  timers_.run(at(30));
  EXPECT_EQ(ran_, "abc") << "each runs once";
}

TEST_F(TimersTest, a_timer_that_is_set_again_has_moved) {
  auto a = named("a"), b = named("b");
  a->set(timers_, at(10));
  b->set(timers_, at(20));
  a->set(timers_, at(30));
  EXPECT_EQ(timers_.next(), at(20));
  timers_.run(at(25));
  EXPECT_EQ(ran_, "b");
  a->set(timers_, at(5));
  timers_.run(at(25));
  EXPECT_EQ(ran_, "ba");
}

TEST_F(TimersTest, never_and_cancel_take_it_out) {
  auto a = named("a"), b = named("b");
  a->set(timers_, at(10));
  b->set(timers_, at(20));
  a->set(timers_, kNever);
  EXPECT_FALSE(a->is_set());
  b->cancel();
  b->cancel();
  EXPECT_EQ(timers_.next(), kNever);
  timers_.run(at(100));
  EXPECT_EQ(ran_, "");
}

TEST_F(TimersTest, a_timer_that_is_destroyed_is_forgotten) {
  auto a = named("a"), b = named("b");
  a->set(timers_, at(10));
  b->set(timers_, at(20));
  a.reset();
  EXPECT_EQ(timers_.next(), at(20));
  timers_.run(at(100));
  EXPECT_EQ(ran_, "b");
}

TEST_F(TimersTest, an_action_may_cancel_another_that_is_due) {
  auto b = named("b");
  Timer a([&] {
    ran_ += "a";
    b->cancel();
  });
  a.set(timers_, at(10));
  b->set(timers_, at(10));
  timers_.run(at(10));
  // Which of two with the same time is first is open; cancelled means that it does not run afterwards.
  EXPECT_TRUE(ran_ == "a" || ran_ == "ba") << ran_;
  EXPECT_EQ(timers_.next(), kNever);
}

TEST_F(TimersTest, an_action_may_set_its_own_timer_again) {
  int runs = 0;
  Timer* self = nullptr;
  Timer a([&] {
    ++runs;
    if (runs < 3) self->set(timers_, at(10 * (runs + 1)));
  });
  self = &a;
  a.set(timers_, at(10));
  timers_.run(at(10));
  EXPECT_EQ(runs, 1);
  timers_.run(at(100));
  EXPECT_EQ(runs, 3) << "what an action sets to a time that has come runs in the same turn";
}

TEST_F(TimersTest, an_action_may_destroy_its_owner_and_others) {
  struct Owner {
    std::unique_ptr<Timer> timer;
    std::string text = std::string(100, 'x');  // on the heap, so that the address sanitizer sees a use after its end
  };
  auto other = std::make_unique<Owner>();
  auto owner = std::make_unique<Owner>();
  owner->timer = std::make_unique<Timer>([&, text = owner->text] {
    owner.reset();
    other.reset();
    ran_ = text;  // the action itself is still alive
  });
  other->timer = named("never");
  owner->timer->set(timers_, at(10));
  other->timer->set(timers_, at(11));
  timers_.run(at(20));
  EXPECT_EQ(ran_, std::string(100, 'x'));
  EXPECT_EQ(timers_.next(), kNever);
}

// Thousands of random steps against the simplest thing that can be right: a list that is searched.
TEST_F(TimersTest, behaves_as_a_sorted_list_would) {
  constexpr int kTimers = 300;
  std::mt19937 random(20240611);
  const auto any = [&](int below) { return static_cast<int>(random() % static_cast<unsigned>(below)); };

  std::vector<TimePoint> expected(kTimers, kNever);  // when each is due
  std::vector<std::unique_ptr<Timer>> timers;
  std::vector<int> ran;
  for (int i = 0; i < kTimers; ++i) timers.push_back(std::make_unique<Timer>([&ran, i] { ran.push_back(i); }));

  int now = 0;
  for (int step = 0; step < 30'000; ++step) {
    const auto i = static_cast<std::size_t>(any(kTimers));
    switch (any(8)) {
      case 0:
        timers[i]->cancel();
        expected[i] = kNever;
        break;
      case 1: {
        now += any(20);
        ran.clear();
        timers_.run(at(now));
        for (std::size_t k = 1; k < ran.size(); ++k) {
          EXPECT_LE(expected[static_cast<std::size_t>(ran[k - 1])], expected[static_cast<std::size_t>(ran[k])]);
        }
        std::vector<int> due;
        for (int k = 0; k < kTimers; ++k) {
          if (expected[static_cast<std::size_t>(k)] <= at(now)) due.push_back(k);
        }
        for (const int k : due) expected[static_cast<std::size_t>(k)] = kNever;
        std::sort(ran.begin(), ran.end());
        ASSERT_EQ(ran, due) << "step " << step;
        break;
      }
      default:
        expected[i] = at(now + any(1000));
        timers[i]->set(timers_, expected[i]);
    }
    ASSERT_EQ(timers_.next(), *std::min_element(expected.begin(), expected.end())) << "step " << step;
    ASSERT_EQ(timers[i]->is_set(), expected[i] != kNever);
  }
}

TEST(DeadlineAfter, zero_is_off) {
  EXPECT_EQ(deadline_after(at(5), milliseconds(0)), kNever);
  EXPECT_EQ(deadline_after(at(5), milliseconds(3)), at(8));
}

}  // namespace
}  // namespace forklift
