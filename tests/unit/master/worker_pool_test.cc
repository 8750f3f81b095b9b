// The pool with workers that are functions of the test: what a process could do that a plugin has taken over.
#include "master/worker_pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"

namespace forklift::master {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr Duration kPatience = seconds(5);

// A worker's life after its fork.
using Life = std::function<void(Birth&)>;

bool say(Birth& birth, ipc::Step step) {
  return birth.channel.send(ipc::StepReached{.step = step}).has_value();
}

void become_ready(Birth& birth) {
  say(birth, ipc::Step::kReady);
}

// The serial of the next lend.
std::uint64_t take_lend(Birth& birth) {
  ipc::Lend lend;
  iovec part{&lend, sizeof lend};
  auto received = birth.channel.receive({&part, 1}, ipc::Wait::kYes);
  if (!received || !*received || (*received)->bytes != sizeof lend) ::_exit(90);
  birth.page.take(lend.serial);
  return lend.serial;
}

void sleep_for_ever() {
  while (true) ::pause();
}

class Owner final : public PoolOwner {
 public:
  void on_done(Connection&, const ipc::Done& done) override { done_.push_back(done); }
  void on_orphan(Connection&, Fate fate) override { orphans_.push_back(fate); }
  void on_degraded() override {}
  void on_retry() override {}
  std::size_t waiting() const override { return waiting_; }
  void on_crash(const WorkerPool&, Crash crash) override { crashes_.push_back(crash); }

  std::vector<ipc::Done> done_;
  std::vector<Fate> orphans_;
  std::vector<Crash> crashes_;
  std::size_t waiting_ = 0;
};

class WorkerPoolTest : public testing::Test {
 protected:
  void SetUp() override {
    app_.name = "app";
    app_.workers.min = 0;
    app_.workers.max = 1;
    log::redirect([this](log::Level, std::string_view line) { log_ += std::string(line) + "\n"; });
    auto poller = Poller::create();
    ASSERT_TRUE(poller);
    loop_.emplace(Loop{std::move(*poller), {}});
    connection_.fd.reset(::dup(STDERR_FILENO));
    connection_.state = ConnectionState::kQueued;
  }
  void TearDown() override {
    for (const pid_t pid : unreaped()) {
      ::kill(pid, SIGKILL);
      ::waitpid(pid, nullptr, 0);
    }
    pool_.reset();
    log::redirect(nullptr);
  }

  // Starts the first worker and waits for its READY.
  void start(Life life) {
    spawner_.emplace(
        [life = std::move(life)](Birth birth) {
          log::redirect([](log::Level, std::string_view) {});
          life(birth);
          ::_exit(0);
        },
        "/", rlimit{});
    spawner_->set_forget([](const WorkerSlot&) {});
    workshop_.emplace(Workshop{*loop_, *spawner_, generations_, workers_});
    pool_.emplace(generations_.make(app_, {}), WorkerPool::Purpose::kServe, *workshop_, owner_);
    pool_->grow();
    ASSERT_TRUE(run_until([&] { return pool_->slots().lowest_idle() != nullptr; })) << log_;
  }

  WorkerSlot& slot() {
    WorkerSlot* first = nullptr;
    pool_->slots().for_each([&](WorkerSlot& slot) { first = first ? first : &slot; });
    return *first;
  }
  void lend() { ASSERT_EQ(pool_->lend(slot(), connection_), WorkerPool::Lend::kLent); }

  std::vector<pid_t> unreaped() {
    std::vector<pid_t> pids;
    pool_->slots().for_each([&](WorkerSlot& slot) { pids.push_back(slot.pid); });
    return pids;
  }

  // What the master's loop does for the pool.
  void receive() {
    for (const Poller::Event& event : loop_->poller.wait(Clock::now() + milliseconds(5))) {
      const WorkerIndex::Entry worker = workers_.find(event.token.serial);
      if (worker && event.token.kind == static_cast<std::uint8_t>(Watch::kChannel)) pool_->on_channel(*worker.slot);
    }
  }
  void reap() {
    pool_->slots().for_each([&](WorkerSlot& slot) {
      int status = 0;
      if (::waitpid(slot.pid, &status, WNOHANG) == slot.pid) pool_->on_death(slot, status);
    });
  }
  template <typename Condition>
  bool run_until(Condition condition) {
    for (const TimePoint deadline = Clock::now() + kPatience; Clock::now() < deadline;) {
      reap();
      receive();
      if (condition()) return true;
    }
    return false;
  }
  bool run_until_all_are_gone() {
    return run_until([&] { return pool_->slots().processes() == 0; });
  }

  config::App app_;
  std::string log_;
  std::optional<Loop> loop_;
  Owner owner_;
  Connection connection_{0};
  std::optional<Spawner> spawner_;
  Generations generations_;
  WorkerIndex workers_;
  std::optional<Workshop> workshop_;
  std::optional<WorkerPool> pool_;
};

TEST_F(WorkerPoolTest, a_worker_that_has_left_its_group_is_killed_too) {
  start([](Birth& birth) {
    become_ready(birth);
    take_lend(birth);
    if (::fork() == 0) sleep_for_ever();  // so that there is somebody in the group
    if (::setpgid(0, ::getpgid(::getppid())) != 0) ::_exit(91);
    (void)birth.channel.send(ipc::LogLine{.level = static_cast<std::uint32_t>(log::Level::kInfo)}, "has left");
    sleep_for_ever();
  });
  lend();
  ASSERT_TRUE(run_until([&] { return log_.find("has left") != log_.npos; }));
  pool_->kill(slot(), KillReason::kRequestTimeout);
  EXPECT_TRUE(run_until_all_are_gone());
  EXPECT_THAT(owner_.orphans_, ElementsAre(Fate::kAnswer504));
}

TEST_F(WorkerPoolTest, what_a_worker_says_of_its_plugin_is_bounded_and_escaped) {
  start([](Birth& birth) {
    say(birth, ipc::Step::kLoaded);
    (void)birth.channel.send(ipc::Plugin{}, std::string("ab\n\0sh\x1b[31mop\0", 14) + std::string(10'000, '2'));
    become_ready(birth);
    sleep_for_ever();
  });
  const PluginFacts& plugin = pool_->generation().plugin;
  EXPECT_EQ(plugin.build_id, "ab\\n");
  EXPECT_EQ(plugin.name, "sh\\x1b[31mop");
  EXPECT_EQ(plugin.version, std::string(64, '2'));
  EXPECT_THAT(log_, HasSubstr("generation 1 is running: sh\\x1b[31mop 2222"));
  EXPECT_EQ(to_plugin_facts("").to_string(), "");
  EXPECT_EQ(to_plugin_facts("ab01").to_string(), "(build id ab01)");
}

TEST_F(WorkerPoolTest, a_plugin_that_is_named_behind_the_start_breaks_the_protocol) {
  start([](Birth& birth) {
    become_ready(birth);
    (void)birth.channel.send(ipc::Plugin{}, "x");
    sleep_for_ever();
  });
  EXPECT_TRUE(run_until_all_are_gone());
  EXPECT_THAT(log_, HasSubstr("sent a plugin's name at another step"));
}

TEST_F(WorkerPoolTest, who_takes_the_image_of_another_is_not_expected_to_make_one) {
  app_.workers.min = app_.workers.max = 2;
  start([](Birth& birth) {
    if (birth.image) say(birth, ipc::Step::kForked);
    if (!birth.image) become_ready(birth);
    sleep_for_ever();
  });
  slot().generation->image = std::make_shared<UniqueFd>(::dup(STDERR_FILENO));
  pool_->grow();
  WorkerSlot* second = nullptr;
  pool_->slots().for_each([&](WorkerSlot& slot) { second = &slot; });
  ASSERT_NE(second, &slot());
  EXPECT_TRUE(run_until([&] { return second->next_step == ipc::Step::kConfined; }));
}

TEST_F(WorkerPoolTest, one_that_says_done_as_it_is_killed_gets_no_other_request) {
  start([](Birth& birth) {
    become_ready(birth);
    ipc::Done done;
    done.serial = take_lend(birth);
    (void)birth.channel.send(done);
    sleep_for_ever();
  });
  lend();
  pool_->kill(slot(), KillReason::kTotalTimeout);
  EXPECT_TRUE(run_until([&] {
    receive();
    EXPECT_EQ(pool_->slots().lowest_idle(), nullptr);
    reap();
    return pool_->slots().processes() == 0;
  }));
}

TEST_F(WorkerPoolTest, one_that_says_ready_again_is_broken_also_in_its_last_request) {
  app_.workers.max_requests = 1;
  start([](Birth& birth) {
    become_ready(birth);
    take_lend(birth);
    become_ready(birth);
    sleep_for_ever();
  });
  lend();
  EXPECT_TRUE(run_until([&] { return slot().killed == KillReason::kBrokenProtocol; }));
  EXPECT_TRUE(run_until_all_are_gone());
  EXPECT_THAT(log_, HasSubstr("a step of a start that is over"));
  EXPECT_THAT(owner_.orphans_, ElementsAre(Fate::kAnswer502));
}

TEST_F(WorkerPoolTest, those_that_are_told_to_leave_and_do_not_are_no_more_than_workers_max_and_one) {
  app_.workers.max_requests = 1;
  start([](Birth& birth) {
    become_ready(birth);
    ipc::Done done;
    done.serial = take_lend(birth);
    (void)birth.channel.send(done);
    sleep_for_ever();
  });
  owner_.waiting_ = 1;
  for (std::size_t answered = 0; answered < 2; ++answered) {
    WorkerSlot* idle = nullptr;
    ASSERT_TRUE(run_until([&] {
      pool_->grow();
      return (idle = pool_->slots().lowest_idle()) != nullptr;
    }));
    ASSERT_EQ(pool_->lend(*idle, connection_), WorkerPool::Lend::kLent);
    ASSERT_TRUE(run_until([&] { return owner_.done_.size() == answered + 1; }));
  }
  EXPECT_EQ(pool_->slots().count(SlotState::kDraining), 2U);
  pool_->grow();
  EXPECT_EQ(pool_->slots().live(), 0U);
  EXPECT_THAT(log_, HasSubstr("2 workers were told to leave and have not"));

  ::kill(unreaped().front(), SIGKILL);
  ASSERT_TRUE(run_until([&] { return pool_->slots().processes() == 1; }));
  pool_->grow();
  EXPECT_EQ(pool_->slots().live(), 1U);
}

// ---- deferred work ----

// Says DONE, and that deferred work follows.
std::uint64_t take_and_defer(Birth& birth) {
  ipc::Done done{.defers = 1};
  done.serial = take_lend(birth);
  if (!birth.channel.send(done)) ::_exit(92);
  return done.serial;
}

TEST_F(WorkerPoolTest, one_that_defers_is_busy_until_it_says_free) {
  app_.workers.max_memory = 1 << 20;
  start([](Birth& birth) {
    become_ready(birth);
    const std::uint64_t serial = take_and_defer(birth);
    while (birth.page.status() == 0) ::usleep(1000);  // the test's word
    (void)birth.channel.send(ipc::Free{.serial = serial, .memory_bytes = 7});
    sleep_for_ever();
  });
  lend();
  ASSERT_TRUE(run_until([&] { return owner_.done_.size() == 1; }));
  EXPECT_EQ(slot().state, SlotState::kBusy);
  EXPECT_EQ(slot().lent, nullptr);
  EXPECT_TRUE(slot().defers_since);
  EXPECT_EQ(pool_->counts().requests, 1U);
  slot().page.set_status(1);
  ASSERT_TRUE(run_until([&] { return slot().state == SlotState::kIdle; }));
  EXPECT_FALSE(slot().defers_since);
  EXPECT_FALSE(slot().deadline.is_set());
  EXPECT_EQ(slot().memory_bytes, 7U);
}

TEST_F(WorkerPoolTest, deferred_work_has_timeouts_request_from_done_on) {
  app_.timeouts.request = milliseconds(100);
  start([](Birth& birth) {
    become_ready(birth);
    take_and_defer(birth);
    sleep_for_ever();
  });
  lend();
  ASSERT_TRUE(run_until([&] { return slot().defers_since.has_value(); }));
  const TimePoint since = *slot().defers_since;
  EXPECT_TRUE(run_until([&] {
    loop_->timers.run(Clock::now());
    return slot().killed == KillReason::kRequestTimeout;
  }));
  EXPECT_GE(Clock::now() - since, milliseconds(100));
  ASSERT_TRUE(run_until_all_are_gone());
  EXPECT_THAT(owner_.orphans_, ElementsAre());
  EXPECT_THAT(owner_.crashes_, ElementsAre(Crash::kInRequest));
  EXPECT_EQ(pool_->counts().requests, 1U);
  EXPECT_EQ(pool_->counts().crashes, 1U);
  EXPECT_THAT(log_, HasSubstr("killed by timeouts.request in deferred work of"));
}

TEST_F(WorkerPoolTest, one_that_is_drained_in_deferred_work_ends_it_and_leaves) {
  app_.timeouts.request = seconds(60);
  start([](Birth& birth) {
    become_ready(birth);
    const std::uint64_t serial = take_and_defer(birth);
    while (birth.page.status() == 0) ::usleep(1000);
    (void)birth.channel.send(ipc::Free{.serial = serial});
    ipc::Drain drain;
    iovec part{&drain, sizeof drain};
    auto received = birth.channel.receive({&part, 1}, ipc::Wait::kYes);
    ::_exit(received && *received && drain.type == ipc::MessageType::kDrain ? 0 : 93);
  });
  lend();
  ASSERT_TRUE(run_until([&] { return slot().defers_since.has_value(); }));
  pool_->drain_all();
  EXPECT_EQ(slot().state, SlotState::kDraining);
  slot().page.set_status(1);
  EXPECT_TRUE(run_until_all_are_gone());
  EXPECT_THAT(owner_.crashes_, ElementsAre());
  EXPECT_EQ(log_.find("error"), std::string::npos);
}

TEST_F(WorkerPoolTest, one_that_says_free_as_it_dies_has_ended_its_work) {
  start([](Birth& birth) {
    become_ready(birth);
    (void)birth.channel.send(ipc::Free{.serial = take_and_defer(birth)});
    ::_exit(3);
  });
  lend();
  EXPECT_TRUE(run_until_all_are_gone());
  EXPECT_EQ(owner_.done_.size(), 1U);
  EXPECT_THAT(owner_.crashes_, ElementsAre(Crash::kIdle));
  EXPECT_THAT(log_, HasSubstr("exited with status 3 while idle"));
}

TEST_F(WorkerPoolTest, one_that_says_free_as_it_is_killed_gets_no_other_request) {
  start([](Birth& birth) {
    become_ready(birth);
    (void)birth.channel.send(ipc::Free{.serial = take_and_defer(birth)});
    sleep_for_ever();
  });
  lend();
  pool_->kill(slot(), KillReason::kStopTimeout);
  EXPECT_TRUE(run_until([&] {
    receive();
    EXPECT_EQ(pool_->slots().lowest_idle(), nullptr);
    reap();
    return pool_->slots().processes() == 0;
  }));
}

TEST_F(WorkerPoolTest, free_that_nobody_waits_for_is_a_broken_worker) {
  const auto with_wrong_serial = [](Birth& birth) {
    (void)birth.channel.send(ipc::Free{.serial = take_and_defer(birth) + 1});
  };
  const auto without_done = [](Birth& birth) { (void)birth.channel.send(ipc::Free{.serial = take_lend(birth)}); };
  const auto twice = [](Birth& birth) {
    const std::uint64_t serial = take_and_defer(birth);
    for (int i = 0; i < 2; ++i) (void)birth.channel.send(ipc::Free{.serial = serial});
  };
  const auto done_twice = [](Birth& birth) {
    ipc::Done done{.serial = take_and_defer(birth)};
    (void)birth.channel.send(done);
  };
  for (const Life& say_it : {Life(with_wrong_serial), Life(without_done), Life(twice), Life(done_twice)}) {
    log_.clear();
    start([&](Birth& birth) {
      become_ready(birth);
      say_it(birth);
      sleep_for_ever();
    });
    lend();
    EXPECT_TRUE(run_until_all_are_gone());
    EXPECT_THAT(log_, testing::AnyOf(HasSubstr("sent FREE without deferred work; killing it"),
                                     HasSubstr("sent DONE for a request that was not lent; killing it")));
  }
}

// ---- what plugins count ----

TEST_F(WorkerPoolTest, counters_of_dead_workers_stay_and_gauges_do_not) {
  start([](Birth& birth) {
    ipc::SharedStats stats = birth.page.stats();
    stats.value(stats.add(ipc::StatKind::kCounter, "hits", "")) = 3;
    stats.value(stats.add(ipc::StatKind::kGauge, "level", "")) = 4;
    become_ready(birth);
    sleep_for_ever();
  });
  const auto values = [&] {
    std::vector<std::pair<std::string, std::uint64_t>> all;
    pool_->stats().for_each([&](const StatTotals::Total& total) { all.emplace_back(total.name, total.value); });
    return all;
  };
  EXPECT_THAT(values(), ElementsAre(testing::Pair("hits", 3), testing::Pair("level", 4)));
  ::kill(slot().pid, SIGKILL);
  ASSERT_TRUE(run_until_all_are_gone());
  EXPECT_THAT(values(), ElementsAre(testing::Pair("hits", 3)));
}

TEST_F(WorkerPoolTest, a_stop_does_not_wait_for_a_process_that_does_not_die) {
  start([](Birth& birth) {
    become_ready(birth);
    sleep_for_ever();
  });
  const pid_t pid = slot().pid;
  pool_->begin_stop();
  pool_->kill_all(KillReason::kStopAtOnce);
  // Nobody reaps it here, which looks the same to the pool.
  loop_->timers.run(Clock::now() + seconds(6));
  EXPECT_EQ(pool_->slots().processes(), 0U);
  EXPECT_THAT(log_, HasSubstr("still there 5 s after SIGKILL"));
  EXPECT_EQ(::waitpid(pid, nullptr, 0), pid);
}

}  // namespace
}  // namespace forklift::master
