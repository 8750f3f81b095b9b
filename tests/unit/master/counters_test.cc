#include "master/counters.h"

#include <gtest/gtest.h>

namespace forklift::master {
namespace {

TEST(RequestCounters, count_each_end_once) {
  RequestCounters counters;
  for (const unsigned status : {200U, 299U, 404U, 502U, 0U, 999U}) counters.count(status, true);
  counters.count(499, false);
  counters.count(503, false);
  counters.count(503, true);
  EXPECT_EQ(counters.requests, 9U);
  EXPECT_EQ(counters.responses[2], 2U);
  EXPECT_EQ(counters.responses[4], 1U);
  EXPECT_EQ(counters.responses[5], 3U);
  EXPECT_EQ(counters.responses[0], 2U);
  EXPECT_EQ(counters.client_left, 1U);
  EXPECT_EQ(counters.refused_503, 1U) << "a plugin may say 503, too";
}

TEST(WorkerCounters, tell_crashes_from_what_was_asked_for) {
  WorkerCounters counters;
  constexpr int kSignal9 = 9;
  WorkerSlot told(0);
  told.state = SlotState::kDraining;
  told.told_to_leave = true;
  counters.count_death(told, 0);
  EXPECT_EQ(counters.crashes + counters.timeouts + counters.failed_starts, 0U);
  counters.count_death(told, kSignal9);
  EXPECT_EQ(counters.crashes, 1U);

  told.defers_since = Clock::now();
  counters.count_death(told, 0);
  EXPECT_EQ(counters.crashes, 2U) << "the work that it had was not to be left";

  WorkerSlot starting(1);
  starting.state = SlotState::kStarting;
  starting.next_step = ipc::Step::kCreated;
  counters.count_death(starting, kSignal9);
  EXPECT_EQ(counters.failed_starts, 1U);
  starting.state = SlotState::kDraining;
  starting.told_to_leave = true;
  counters.count_death(starting, kSignal9);
  EXPECT_EQ(counters.failed_starts, 2U) << "nobody told it to die";
  counters.count_death(starting, 0);
  EXPECT_EQ(counters.failed_starts, 2U);

  WorkerSlot hung(2);
  hung.state = SlotState::kDraining;
  hung.killed = KillReason::kRequestTimeout;
  counters.count_death(hung, kSignal9);
  EXPECT_EQ(counters.timeouts, 1U);
  hung.killed = KillReason::kBrokenProtocol;
  counters.count_death(hung, kSignal9);
  EXPECT_EQ(counters.crashes, 3U);
}

}  // namespace
}  // namespace forklift::master
