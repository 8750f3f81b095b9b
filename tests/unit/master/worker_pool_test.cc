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

  std::vector<ipc::Done> done_;
  std::vector<Fate> orphans_;
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
    say(birth, ipc::Step::kForked);
    sleep_for_ever();
  });
  lend();
  ASSERT_TRUE(run_until([&] { return slot().next_step == ipc::Step::kImaged; }));
  pool_->kill(slot(), KillReason::kRequestTimeout);
  EXPECT_TRUE(run_until_all_are_gone());
  EXPECT_THAT(owner_.orphans_, ElementsAre(Fate::kAnswer504));
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

TEST_F(WorkerPoolTest, one_that_says_ready_again_in_its_last_request_keeps_its_deadline) {
  app_.timeouts.request = milliseconds(100);
  app_.workers.max_requests = 1;
  start([](Birth& birth) {
    become_ready(birth);
    take_lend(birth);
    become_ready(birth);
    say(birth, ipc::Step::kForked);
    sleep_for_ever();
  });
  lend();
  ASSERT_TRUE(run_until([&] { return slot().next_step == ipc::Step::kImaged; }));
  EXPECT_TRUE(run_until([&] {
    loop_->timers.run(Clock::now());
    return slot().killed == KillReason::kRequestTimeout;
  }));
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

TEST_F(WorkerPoolTest, a_stop_does_not_wait_for_a_process_that_does_not_die) {
  start([](Birth& birth) {
    become_ready(birth);
    sleep_for_ever();
  });
  const pid_t pid = slot().pid;
  pool_->begin_stop();
  pool_->kill_all();
  // Nobody reaps it here, which looks the same to the pool.
  loop_->timers.run(Clock::now() + seconds(6));
  EXPECT_EQ(pool_->slots().processes(), 0U);
  EXPECT_THAT(log_, HasSubstr("still there 5 s after SIGKILL"));
  EXPECT_EQ(::waitpid(pid, nullptr, 0), pid);
}

}  // namespace
}  // namespace forklift::master
