#include "master/slot.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace forklift::master {
namespace {

constexpr SlotState kStates[] = {SlotState::kStarting, SlotState::kIdle, SlotState::kBusy, SlotState::kDraining,
                                 SlotState::kGone};
constexpr SlotEvent kEvents[] = {SlotEvent::kReady, SlotEvent::kLent, SlotEvent::kDone, SlotEvent::kDrain,
                                 SlotEvent::kDied};

std::string name(std::optional<SlotState> state) {
  return std::string(state ? to_string(*state) : "-");
}

TEST(Slot, every_pair_of_state_and_event) {
  const std::map<SlotState, std::vector<std::string>> expected = {
      // in the order of kEvents: READY, LENT, DONE, DRAIN, DIED
      {SlotState::kStarting, {"IDLE", "-", "-", "DRAINING", "GONE"}},
      {SlotState::kIdle, {"-", "BUSY", "-", "DRAINING", "GONE"}},
      {SlotState::kBusy, {"-", "-", "IDLE", "DRAINING", "GONE"}},
      // A worker that was told to leave while it starts or works still says READY and DONE.
      {SlotState::kDraining, {"DRAINING", "-", "DRAINING", "DRAINING", "GONE"}},
      {SlotState::kGone, {"-", "-", "-", "-", "-"}},
  };
  for (const SlotState state : kStates) {
    for (std::size_t i = 0; i < std::size(kEvents); ++i) {
      EXPECT_EQ(name(transition(state, kEvents[i])), expected.at(state)[i]) << to_string(state) << " and event " << i;
    }
  }
}

class SlotTableTest : public testing::Test {
 protected:
  WorkerSlot& idle() {
    WorkerSlot& slot = table_.open();
    slot.serial = ++serial_;
    EXPECT_TRUE(table_.apply(slot, SlotEvent::kReady));
    return slot;
  }
  std::string counts() const {
    std::string text;
    for (const SlotState state : kStates) text += std::to_string(table_.count(state)) + " ";
    return text;
  }

  std::vector<std::uint32_t> expired_;
  SlotTable table_{[this](WorkerSlot& slot) { expired_.push_back(slot.index); }};
  std::uint32_t serial_ = 0;
};

TEST_F(SlotTableTest, an_empty_table_has_no_idle_slot) {
  EXPECT_EQ(table_.lowest_idle(), nullptr);
  EXPECT_EQ(table_.find(0, 0), nullptr);
  EXPECT_EQ(table_.processes(), 0U);
}

TEST_F(SlotTableTest, counts_follow_the_states) {
  WorkerSlot& slot = table_.open();
  EXPECT_EQ(counts(), "1 0 0 0 0 ");
  table_.apply(slot, SlotEvent::kReady);
  EXPECT_EQ(counts(), "0 1 0 0 0 ");
  table_.apply(slot, SlotEvent::kLent);
  EXPECT_EQ(counts(), "0 0 1 0 0 ");
  EXPECT_EQ(table_.live(), 1U);
  table_.apply(slot, SlotEvent::kDrain);
  EXPECT_EQ(counts(), "0 0 0 1 0 ");
  EXPECT_EQ(table_.live(), 0U);
  EXPECT_EQ(table_.processes(), 1U);
  table_.apply(slot, SlotEvent::kDied);
  EXPECT_EQ(counts(), "0 0 0 0 1 ");
  EXPECT_EQ(table_.processes(), 0U);
}

TEST_F(SlotTableTest, an_impossible_event_changes_nothing) {
  WorkerSlot& slot = idle();
  EXPECT_FALSE(table_.apply(slot, SlotEvent::kDone));
  EXPECT_FALSE(table_.apply(slot, SlotEvent::kReady));
  EXPECT_EQ(slot.state, SlotState::kIdle);
  EXPECT_EQ(counts(), "0 1 0 0 0 ");
  EXPECT_EQ(table_.lowest_idle(), &slot);
}

TEST_F(SlotTableTest, only_slots_that_are_not_gone_are_visited) {
  WorkerSlot& first = idle();
  WorkerSlot& second = idle();
  table_.apply(first, SlotEvent::kDied);
  std::vector<WorkerSlot*> seen;
  table_.for_each([&](WorkerSlot& slot) { seen.push_back(&slot); });
  EXPECT_EQ(seen, std::vector{&second});
}

TEST_F(SlotTableTest, a_slot_is_found_by_its_worker_and_not_by_an_earlier_one) {
  WorkerSlot& slot = idle();
  const std::uint32_t index = slot.index;
  const std::uint32_t first = slot.serial;
  EXPECT_EQ(table_.find(index, first), &slot);
  EXPECT_EQ(table_.find(index, first + 1), nullptr);
  EXPECT_EQ(table_.find(index + 1, first), nullptr);
  table_.apply(slot, SlotEvent::kDied);
  EXPECT_EQ(table_.find(index, first), nullptr) << "gone";
  EXPECT_EQ(&idle(), &slot);
  EXPECT_EQ(table_.find(index, first), nullptr) << "another worker sits there";
  EXPECT_EQ(table_.find(index, slot.serial), &slot);
}

TEST_F(SlotTableTest, a_slot_that_is_used_again_has_nothing_of_its_last_worker) {
  Timers timers;
  Connection* const somebody = reinterpret_cast<Connection*>(&timers);  // never looked at
  WorkerSlot& slot = idle();
  auto channel = ipc::Channel::make_pair(1000);
  auto page = ipc::SharedPage::create();
  ASSERT_TRUE(channel && page);
  page->take(5);
  slot.pid = 4711;
  slot.generation = std::make_shared<Generation>();
  const std::weak_ptr<Generation> generation = slot.generation;
  slot.channel = std::move(channel->first);
  slot.page = std::move(*page);
  slot.next_step = ipc::Step::kReady;
  slot.failure = "no such table";
  slot.killed = KillReason::kRequestTimeout;
  slot.reaped = true;
  slot.has_served = true;
  slot.lent = somebody;
  slot.lend_serial = 9;
  slot.deadline.set(timers, Clock::now());
  table_.apply(slot, SlotEvent::kDied);

  ASSERT_EQ(&table_.open(), &slot);
  EXPECT_EQ(slot.state, SlotState::kStarting);
  EXPECT_EQ(slot.pid, 0) << "a start that fails has no process";
  EXPECT_TRUE(generation.expired());
  EXPECT_LT(slot.channel.fd(), 0);
  EXPECT_EQ(slot.next_step, ipc::Step::kForked);
  EXPECT_EQ(slot.failure, "");
  EXPECT_EQ(slot.killed, KillReason::kNone);
  EXPECT_FALSE(slot.reaped);
  EXPECT_FALSE(slot.has_served);
  EXPECT_EQ(slot.lent, nullptr);
  EXPECT_EQ(slot.lend_serial, 0U);
  EXPECT_FALSE(slot.deadline.is_set());
}

TEST_F(SlotTableTest, a_deadline_names_its_slot) {
  idle();
  WorkerSlot& slot = idle();
  Timers timers;
  slot.deadline.set(timers, Clock::now());
  timers.run(Clock::now());
  EXPECT_EQ(expired_, std::vector<std::uint32_t>{1});
}

class LowestIdleTest : public SlotTableTest, public testing::WithParamInterface<int> {};
INSTANTIATE_TEST_SUITE_P(slots, LowestIdleTest, testing::Values(1, 2, 63, 64, 65, 127, 128, 129, 200));

TEST_P(LowestIdleTest, slots_are_picked_in_order_and_the_lowest_again) {
  std::vector<WorkerSlot*> slots;
  for (int i = 0; i < GetParam(); ++i) slots.push_back(&idle());
  for (WorkerSlot* slot : slots) {
    ASSERT_EQ(table_.lowest_idle(), slot);
    ASSERT_TRUE(table_.apply(*slot, SlotEvent::kLent));
  }
  EXPECT_EQ(table_.lowest_idle(), nullptr);
  for (auto slot = slots.rbegin(); slot != slots.rend(); ++slot) {
    ASSERT_TRUE(table_.apply(**slot, SlotEvent::kDone));
    ASSERT_EQ(table_.lowest_idle(), *slot) << "the lowest of those that are back";
  }
}

TEST_P(LowestIdleTest, agrees_with_a_search_whatever_happens) {
  std::mt19937 random(static_cast<unsigned>(GetParam()));
  std::vector<WorkerSlot*> slots;
  for (int i = 0; i < GetParam(); ++i) slots.push_back(&idle());
  for (int step = 0; step < 5000; ++step) {
    WorkerSlot& slot = *slots[random() % slots.size()];
    if (slot.state == SlotState::kGone) {
      const auto lowest_gone =
          std::find_if(slots.begin(), slots.end(), [](const WorkerSlot* s) { return s->state == SlotState::kGone; });
      ASSERT_EQ(&table_.open(), *lowest_gone) << "no slot is added while one is free";
    } else {
      table_.apply(slot, kEvents[random() % 5]);
    }
    const auto lowest =
        std::find_if(slots.begin(), slots.end(), [](const WorkerSlot* s) { return s->state == SlotState::kIdle; });
    ASSERT_EQ(table_.lowest_idle(), lowest == slots.end() ? nullptr : *lowest) << step;
    for (const SlotState state : kStates) {
      ASSERT_EQ(table_.count(state),
                std::count_if(slots.begin(), slots.end(), [&](const WorkerSlot* s) { return s->state == state; }));
    }
  }
}

}  // namespace
}  // namespace forklift::master
