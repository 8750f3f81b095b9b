#include "base/poller.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/time.h>
#include <unistd.h>

#include <csignal>
#include <limits>

#include "forked.h"

namespace forklift {
namespace {

struct Pipe {
  Pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return;
    out.reset(ends[0]);
    in.reset(ends[1]);
  }
  void fill() { EXPECT_EQ(::write(in.get(), "x", 1), 1); }

  UniqueFd out, in;
};

TimePoint at_once() {
  return Clock::now();
}
// Never reached where a test passes.
TimePoint long_after() {
  return Clock::now() + seconds(20);
}

class PollerTest : public testing::Test {
 protected:
  void SetUp() override {
    auto made = Poller::create();
    ASSERT_TRUE(made);
    poller_ = std::move(*made);
  }

  Poller poller_;
  Pipe pipe_;
};

TEST_F(PollerTest, an_event_names_what_was_added_by_kind_index_and_serial) {
  for (const Token token :
       {Token{1, 5, 7}, Token{0, 0, 0}, Token{255, (1U << 24) - 1, std::numeric_limits<std::uint32_t>::max()},
        Token{3, 1U << 23, 1U << 31}}) {
    Pipe pipe;
    ASSERT_TRUE(poller_.add(pipe.out.get(), token, EPOLLIN));
    pipe.fill();
    const auto events = poller_.wait(long_after());
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(events[0].token, token);
    EXPECT_EQ(events[0].events, std::uint32_t{EPOLLIN});
    poller_.remove(pipe.out.get());
  }
}

// What a serial is for: the descriptor's number is the same, its tenant is not.
TEST_F(PollerTest, an_event_that_was_fetched_before_its_tenant_left_does_not_name_the_next_one) {
  ASSERT_TRUE(poller_.add(pipe_.out.get(), {1, 5, 7}, EPOLLIN));
  pipe_.fill();
  const Token fetched = poller_.wait(long_after())[0].token;
  poller_.remove(pipe_.out.get());

  Pipe next;
  ASSERT_TRUE(poller_.add(next.out.get(), {1, 5, 8}, EPOLLIN));
  next.fill();
  const auto events = poller_.wait(long_after());
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].token, (Token{1, 5, 8}));
  EXPECT_FALSE(events[0].token == fetched);
}

TEST_F(PollerTest, a_removed_descriptor_is_silent_although_somebody_else_holds_its_file) {
  const UniqueFd duplicate(::dup(pipe_.out.get()));
  ASSERT_TRUE(poller_.add(pipe_.out.get(), {1, 1, 1}, EPOLLIN));
  pipe_.fill();
  poller_.remove(pipe_.out.get());
  pipe_.out.reset();
  EXPECT_TRUE(poller_.wait(at_once()).empty());
}

TEST_F(PollerTest, a_deadline_in_the_past_does_not_wait_and_still_sees_what_is_there) {
  EXPECT_TRUE(poller_.wait(at_once() - seconds(5)).empty());
  ASSERT_TRUE(poller_.add(pipe_.out.get(), {1, 1, 1}, EPOLLIN));
  pipe_.fill();
  EXPECT_EQ(poller_.wait(at_once() - seconds(5)).size(), 1U);
}

TEST_F(PollerTest, a_wait_does_not_end_before_its_deadline) {
  const TimePoint deadline = Clock::now() + std::chrono::microseconds(2500);
  EXPECT_TRUE(poller_.wait(deadline).empty());
  EXPECT_GE(Clock::now(), deadline);
}

TEST_F(PollerTest, a_closed_writer_is_reported_without_being_asked_for) {
  ASSERT_TRUE(poller_.add(pipe_.out.get(), {1, 1, 1}, 0));
  pipe_.in.reset();
  const auto events = poller_.wait(long_after());
  ASSERT_EQ(events.size(), 1U);
  EXPECT_NE(events[0].events & EPOLLHUP, 0U);
}

TEST_F(PollerTest, what_cannot_be_watched_is_an_error_with_its_errno) {
  const auto added = poller_.add(-1, {1, 1, 1}, EPOLLIN);
  ASSERT_FALSE(added);
  EXPECT_EQ(added.error().code(), EBADF);
  ASSERT_TRUE(poller_.add(pipe_.out.get(), {1, 1, 1}, EPOLLIN));
  EXPECT_EQ(poller_.add(pipe_.out.get(), {1, 1, 2}, EPOLLIN).error().code(), EEXIST);
}

TEST_F(PollerTest, a_signal_does_not_end_the_wait) {
  const Forked child = in_child([this]() -> std::string {
    ::signal(SIGALRM, [](int) {});
    const itimerval often{.it_interval = {0, 2000}, .it_value = {0, 2000}};
    ::setitimer(ITIMER_REAL, &often, nullptr);
    const TimePoint deadline = Clock::now() + milliseconds(50);
    if (!poller_.wait(deadline).empty()) return "events";
    return Clock::now() < deadline ? "too early" : "at the deadline";
  });
  EXPECT_EQ(child.said, "at the deadline");
}

}  // namespace
}  // namespace forklift
