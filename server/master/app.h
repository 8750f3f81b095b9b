// One app as the master runs it: its queue, its slots, and the decisions which connection goes to which worker and when
// there are to be more of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "master/backoff.h"
#include "master/connection.h"
#include "master/farewell.h"
#include "master/generation.h"
#include "master/loop.h"
#include "master/obituary.h"
#include "master/slot.h"
#include "master/spawner.h"

namespace forklift::master {

enum class AppState {
  kStarting,  // none of its workers has been READY yet
  kRunning,
  kDegraded,  // no worker lives and the last start failed: 503 at once, until the backoff lets another one try
};

std::string_view to_string(AppState state);

class App {
 public:
  // How many connections the app holds: `pending` are those of reception, queue and workers, `connections` all,
  // lingering ones included.
  struct Tally {
    std::size_t connections = 0;
    std::size_t pending = 0;
  };

  // `number` names the app in the poller, together with a slot's index. All references outlive it.
  App(config::App config, std::uint32_t number, Loop& loop, Farewell& farewell, Spawner& spawner);

  // Starts the first worker, which makes the image and proves the generation; the others follow when it is READY.
  void start();

  // A connection whose head is complete: queues it, or answers 503.
  void enqueue(Connection& connection);
  // Lends what is queued to idle workers, the lowest first, and starts more where all are busy.
  void dispatch();
  // A connection has been QUEUED for queue.age.
  void on_deadline(Connection& connection);

  // Reads what the worker has said.
  void on_channel(WorkerSlot& slot);
  // The worker was reaped: settles what it leaves behind.
  void on_death(WorkerSlot& slot, int wait_status);

  // The server stops: no worker is started any more unless a queued connection needs one; when nothing is pending, the
  // workers are drained. At timeouts.stop those that are left are killed.
  void stop();
  void stop_at_once();
  // While stopping: drains the workers as soon as nothing is pending.
  void drain_when_idle();

  AppState state() const { return state_; }
  const std::string& name() const { return generation_->config.name; }
  const config::App& config() const { return generation_->config; }
  Tally& tally() { return tally_; }
  SlotTable& slots() { return slots_; }
  TimePoint stop_deadline() const { return stop_deadline_; }

 private:
  bool lend(WorkerSlot& slot, Connection& connection);
  void grow();
  void spawn();
  void start_failed();
  void degrade();
  void new_generation();

  bool read_message(WorkerSlot& slot);
  void on_message(WorkerSlot& slot, std::string_view message, UniqueFd fd);
  void on_step(WorkerSlot& slot, ipc::Step step);
  void on_image(WorkerSlot& slot, UniqueFd image);
  void on_failed(WorkerSlot& slot, ipc::Step step, std::string_view reason);
  void on_done(WorkerSlot& slot, const ipc::Done& done);
  void on_log_line(const WorkerSlot& slot, std::uint32_t level, std::string_view text) const;

  void on_slot_deadline(WorkerSlot& slot);
  void check_progress(WorkerSlot& slot);
  void kill(WorkerSlot& slot, KillReason reason);
  void drain(WorkerSlot& slot);
  void broken_protocol(WorkerSlot& slot, std::string_view what);
  void settle(Connection& connection, Fate fate);

  std::string label(const WorkerSlot& slot) const;

  const std::uint32_t number_;
  Loop& loop_;
  Farewell& farewell_;
  Spawner& spawner_;

  std::shared_ptr<Generation> generation_;
  AppState state_ = AppState::kStarting;
  Tally tally_;
  ConnectionQueue queue_;
  SlotTable slots_;
  std::uint64_t last_lend_ = 0;
  Backoff backoff_;
  Timer retry_;  // of a start that the backoff has put off, or of a lend that the kernel had no memory for

  bool stopping_ = false;
  bool stopped_ = false;  // the time for stopping is over: nothing is queued and nobody started any more
  TimePoint stop_deadline_ = kNever;
  Timer stop_timer_;
};

}  // namespace forklift::master
