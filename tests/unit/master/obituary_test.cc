#include "master/obituary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <memory>
#include <string>

#include "master/connection.h"

namespace forklift::master {
namespace {

// Wait statuses as the kernel makes them (waitpid(2)).
constexpr int exited(int status) {
  return status << 8;
}
constexpr int killed_by(int signal) {
  return signal;
}
constexpr int kCoreDumped = 0x80;

constexpr TimePoint kNow{seconds(1000)};

class ObituaryTest : public testing::Test {
 protected:
  void SetUp() override {
    slot_.generation = std::make_shared<Generation>();
    slot_.generation->number = 3;
    slot_.pid = 4711;
    auto page = ipc::SharedPage::create();
    ASSERT_TRUE(page);
    slot_.page = std::move(*page);
  }

  // The worker was lent the connection a quarter of a second ago.
  void lend(SlotState state = SlotState::kBusy) {
    slot_.state = state;
    slot_.lent = &connection_;
    slot_.lend_serial = 8;
    slot_.lent_at = kNow - milliseconds(250);
    connection_.lends = 1;
  }
  void take(ipc::ResponseState response = ipc::ResponseState::kNone) {
    slot_.page.take(8);
    slot_.page.set_request({.method = "GET", .uri = "/x"});
    slot_.page.set_response(response);
  }
  Obituary obituary(int status) { return write_obituary("shop", slot_, status, fate_of(slot_), kNow); }
  std::string line(int status) { return obituary(status).line; }

  WorkerSlot slot_{0};
  Connection connection_{0};
};

TEST_F(ObituaryTest, an_idle_worker_that_died_is_an_error_with_its_signal) {
  slot_.state = SlotState::kIdle;
  EXPECT_EQ(obituary(killed_by(SIGSEGV)).level, log::Level::kError);
  EXPECT_EQ(line(killed_by(SIGSEGV)),
            "app \"shop\" generation 3 worker 4711: died of signal 11 (Segmentation fault) while idle");
  EXPECT_EQ(line(killed_by(SIGABRT | kCoreDumped)),
            "app \"shop\" generation 3 worker 4711: died of signal 6 (Aborted), core dumped while idle");
  EXPECT_EQ(line(exited(3)), "app \"shop\" generation 3 worker 4711: exited with status 3 while idle");
}

TEST_F(ObituaryTest, an_exit_that_nobody_asked_for_is_an_error_even_with_status_0) {
  slot_.state = SlotState::kIdle;
  EXPECT_EQ(obituary(exited(0)).level, log::Level::kError);
  EXPECT_EQ(line(exited(0)), "app \"shop\" generation 3 worker 4711: exited with status 0 while idle");
}

TEST_F(ObituaryTest, one_that_has_left_as_it_was_told_is_no_news) {
  slot_.state = SlotState::kDraining;
  slot_.told_to_leave = true;
  EXPECT_EQ(obituary(exited(0)).level, log::Level::kDebug);
  EXPECT_EQ(obituary(exited(1)).level, log::Level::kError);
  EXPECT_EQ(obituary(killed_by(SIGSEGV)).level, log::Level::kError);
  slot_.killed = KillReason::kStopTimeout;
  EXPECT_EQ(obituary(killed_by(SIGKILL)).level, log::Level::kDebug);
}

TEST_F(ObituaryTest, one_that_was_told_to_leave_after_its_request_and_exits_within_it_is_an_error) {
  lend(SlotState::kDraining);
  slot_.told_to_leave = true;
  take();
  EXPECT_EQ(obituary(exited(0)).level, log::Level::kError);
  EXPECT_THAT(line(exited(0)), testing::HasSubstr("exited with status 0 with GET \"/x\" since 0.250 s; answered 502"));
}

TEST_F(ObituaryTest, a_failed_start_is_named_by_its_step_and_the_workers_own_words) {
  slot_.state = SlotState::kStarting;
  slot_.next_step = ipc::Step::kCreated;
  slot_.failure = "no such table: orders";
  EXPECT_EQ(line(exited(1)), "app \"shop\": generation 3 failed at CREATED: no such table: orders");
}

TEST_F(ObituaryTest, a_death_during_the_start_is_named_by_the_step_that_was_not_reached) {
  slot_.state = SlotState::kStarting;
  slot_.next_step = ipc::Step::kLoaded;
  EXPECT_EQ(line(killed_by(SIGBUS)),
            "app \"shop\": generation 3 failed at LOADED: worker 4711 died of signal 7 (Bus error)");
  slot_.killed = KillReason::kStartTimeout;
  EXPECT_EQ(line(killed_by(SIGKILL)),
            "app \"shop\": generation 3 failed at LOADED: not reached within timeouts.start; the worker was killed");
}

TEST_F(ObituaryTest, a_worker_that_was_told_to_leave_in_its_start_was_not_idle) {
  slot_.state = SlotState::kDraining;
  slot_.told_to_leave = true;
  slot_.next_step = ipc::Step::kLoaded;
  EXPECT_EQ(obituary(exited(0)).level, log::Level::kDebug);
  EXPECT_EQ(line(killed_by(SIGSEGV)),
            "app \"shop\": generation 3 failed at LOADED: worker 4711 died of signal 11 (Segmentation fault)");
  slot_.killed = KillReason::kLeaveTimeout;
  EXPECT_EQ(
      line(killed_by(SIGKILL)),
      "app \"shop\" generation 3 worker 4711: was told to leave, and killed after timeouts.stop before it reached "
      "LOADED");
  slot_.killed = KillReason::kDrainTimeout;
  EXPECT_EQ(line(killed_by(SIGKILL)),
            "app \"shop\" generation 3 worker 4711: left behind by a reload, and killed by timeouts.drain before it "
            "reached LOADED");
  slot_.killed = KillReason::kStopAtOnce;
  EXPECT_EQ(obituary(killed_by(SIGKILL)).level, log::Level::kDebug);
}

TEST_F(ObituaryTest, of_one_that_does_not_die_of_sigkill_all_is_told_when_it_is_given_up) {
  const auto undying = [this] { return describe_undying("shop", slot_, seconds(5), kNow); };
  lend();
  take();
  slot_.killed = KillReason::kRequestTimeout;
  EXPECT_EQ(
      undying(),
      "app \"shop\" generation 3 worker 4711: killed by timeouts.request, and still there 5 s after SIGKILL with GET "
      "\"/x\" since 0.250 s; its connection is aborted");
  slot_.lent = nullptr;
  slot_.given_up = true;
  EXPECT_EQ(obituary(killed_by(SIGKILL)).level, log::Level::kInfo);
  EXPECT_EQ(line(killed_by(SIGKILL)), "app \"shop\" generation 3 worker 4711: is gone");

  slot_.state = SlotState::kStarting;
  slot_.next_step = ipc::Step::kCreated;
  slot_.killed = KillReason::kStartTimeout;
  EXPECT_EQ(undying(),
            "app \"shop\": generation 3 failed at CREATED: not reached within timeouts.start, and worker 4711 is still "
            "there 5 s after SIGKILL");
}

TEST_F(ObituaryTest, a_request_that_was_not_taken_goes_to_another_worker_but_not_for_ever) {
  lend();
  EXPECT_EQ(fate_of(slot_), Fate::kLendAgain);
  EXPECT_EQ(line(killed_by(SIGKILL)),
            "app \"shop\" generation 3 worker 4711: died of signal 9 (Killed) before it took the request; its request "
            "goes to another worker");
  connection_.lends = kLendsMax;
  EXPECT_EQ(fate_of(slot_), Fate::kAnswer502);
  // What stands in the page is that of an earlier request.
  slot_.page.take(7);
  slot_.page.set_response(ipc::ResponseState::kComplete);
  EXPECT_EQ(fate_of(slot_), Fate::kAnswer502);
}

TEST_F(ObituaryTest, one_that_was_taken_is_answered_aborted_or_complete_as_far_as_the_response_has_come) {
  lend();
  take();
  EXPECT_EQ(fate_of(slot_), Fate::kAnswer502);
  EXPECT_EQ(
      line(killed_by(SIGSEGV)),
      "app \"shop\" generation 3 worker 4711: died of signal 11 (Segmentation fault) with GET \"/x\" since 0.250 s; "
      "answered 502");
  slot_.page.set_response(ipc::ResponseState::kStarted);
  EXPECT_EQ(fate_of(slot_), Fate::kAbort);
  slot_.page.set_response(ipc::ResponseState::kComplete);
  EXPECT_EQ(fate_of(slot_), Fate::kComplete);
  slot_.page.set_response(static_cast<ipc::ResponseState>(77));
  EXPECT_EQ(fate_of(slot_), Fate::kAbort) << "nobody knows what was sent";
}

TEST_F(ObituaryTest, a_worker_that_took_too_long_costs_a_504) {
  lend();
  take();
  slot_.killed = KillReason::kRequestTimeout;
  EXPECT_EQ(fate_of(slot_), Fate::kAnswer504);
  EXPECT_EQ(
      line(killed_by(SIGKILL)),
      "app \"shop\" generation 3 worker 4711: killed by timeouts.request with GET \"/x\" since 0.250 s; answered 504");
  slot_.page.set_response(ipc::ResponseState::kStarted);
  EXPECT_EQ(fate_of(slot_), Fate::kAbort);
}

TEST_F(ObituaryTest, at_a_stop_nothing_is_lent_again) {
  lend(SlotState::kDraining);
  slot_.killed = KillReason::kStopTimeout;
  EXPECT_EQ(fate_of(slot_), Fate::kAnswer504);
  EXPECT_EQ(obituary(killed_by(SIGKILL)).level, log::Level::kError) << "a client has lost its answer";
}

TEST_F(ObituaryTest, without_a_connection_there_is_nothing_to_decide) {
  slot_.state = SlotState::kIdle;
  take(ipc::ResponseState::kStarted);
  EXPECT_EQ(fate_of(slot_), Fate::kNothing);
}

TEST_F(ObituaryTest, in_deferred_work_no_client_loses_anything) {
  lend();
  take(ipc::ResponseState::kComplete);
  slot_.lent = nullptr;
  slot_.defers_since = kNow - milliseconds(100);
  EXPECT_EQ(fate_of(slot_), Fate::kNothing);
  EXPECT_EQ(obituary(killed_by(SIGSEGV)).level, log::Level::kError);
  EXPECT_EQ(
      line(killed_by(SIGSEGV)),
      "app \"shop\" generation 3 worker 4711: died of signal 11 (Segmentation fault) in deferred work of GET \"/x\" "
      "since 0.100 s; its response was sent before");
  slot_.killed = KillReason::kRequestTimeout;
  EXPECT_THAT(line(killed_by(SIGKILL)), testing::HasSubstr("killed by timeouts.request in deferred work of GET"));
}

TEST_F(ObituaryTest, deferred_work_that_is_lost_is_an_error_also_where_the_worker_was_to_leave) {
  slot_.state = SlotState::kDraining;
  slot_.told_to_leave = true;
  slot_.defers_since = kNow - milliseconds(100);
  EXPECT_EQ(obituary(exited(0)).level, log::Level::kError);
  EXPECT_THAT(line(exited(0)), testing::HasSubstr("exited with status 0 in deferred work of ? \"\" since"))
      << "the page says nothing of that request";
  slot_.killed = KillReason::kStopTimeout;
  EXPECT_EQ(obituary(killed_by(SIGKILL)).level, log::Level::kError);
}

TEST_F(ObituaryTest, what_a_client_or_a_plugin_wrote_into_the_page_cannot_end_the_line) {
  lend();
  slot_.page.take(8);
  slot_.page.set_request({.method = "G\nET", .uri = "/\x1b[31m\n\""});
  EXPECT_EQ(line(killed_by(SIGKILL)),
            "app \"shop\" generation 3 worker 4711: died of signal 9 (Killed) with G\\nET \"/\\x1b[31m\\n\\\"\" since "
            "0.250 s; "
            "answered 502");
  slot_.page.set_request({.method = "", .uri = ""});
  EXPECT_EQ(line(killed_by(SIGKILL)),
            "app \"shop\" generation 3 worker 4711: died of signal 9 (Killed) with ? \"\" since 0.250 s; answered 502");
}

}  // namespace
}  // namespace forklift::master
