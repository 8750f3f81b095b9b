// The workers of one generation of an app: starting, watching, retiring and burying them. Which request goes to which
// of them is the app's business (app.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>

#include "base/throttle.h"
#include "master/backoff.h"
#include "master/connection.h"
#include "master/counters.h"
#include "master/generation.h"
#include "master/loop.h"
#include "master/obituary.h"
#include "master/slot.h"
#include "master/spawner.h"
#include "master/stat_totals.h"
#include "master/worker_index.h"

namespace forklift::master {

enum class AppState {
  kStarting,  // none of its workers has been READY yet
  kRunning,
  kDegraded,  // no worker lives and the last start failed: 503 at once, until the backoff lets another one try
  kStopped,   // the time for stopping is over
};

std::string_view to_string(AppState state);

// When a worker has died that nobody has told to.
enum class Crash { kStarting, kIdle, kInRequest };

class WorkerPool;

// What a pool tells its app, and asks it.
class PoolOwner {
 public:
  // A worker has said DONE for the connection, which is the owner's again. The worker may still be BUSY, with deferred
  // work.
  virtual void on_done(Connection& connection, const ipc::Done& done) = 0;
  // The worker that had the connection is reaped, and nobody else writes on it any more; or, with Fate::kAbortHeld, the
  // worker does not die and is given up. `connection.slot` still tells what the worker was doing.
  virtual void on_orphan(Connection& connection, Fate fate) = 0;
  // No worker lives and none can be started before `pool.retry_at()`.
  virtual void on_degraded() = 0;
  // A worker may be started now, or a lend may succeed that has failed.
  virtual void on_retry() = 0;
  // Requests that wait, and for which no worker is idle.
  virtual std::size_t waiting() const = 0;
  // A worker has crashed, was killed for its request, or could not start.
  virtual void on_crash(const WorkerPool&, Crash) {}
  // Of a pool on trial: the last worker has died, or none could be started. `how` is a line for the log, which still
  // lacks the consequence.
  virtual void on_trial_failed(std::string_view how) { (void)how; }

 protected:
  ~PoolOwner() = default;
};

// What pools make workers with.
struct Workshop {
  Loop& loop;
  Spawner& spawner;
  Generations& generations;
  WorkerIndex& workers;
};

class WorkerPool {
 public:
  enum class Purpose {
    kServe,  // a generation that could not start makes way for the next one, after a pause
    kTrial,  // the owner is told, and decides; until serve()
  };

  // All that `workshop` names outlives the pool, and so does the owner.
  WorkerPool(std::shared_ptr<Generation> generation, Purpose purpose, const Workshop& workshop, PoolOwner& owner);

  // The trial is over, and the workers are that owner's.
  void serve(PoolOwner& owner);
  // These workers are not wanted any more: none is started, and all are to leave behind the request that they have.
  // Those that are left at `by` are killed, for `reason`.
  void leave(TimePoint by, KillReason reason);

  AppState state() const { return state_; }
  const Generation& generation() const { return *generation_; }
  const std::shared_ptr<Generation>& generation_shared() const { return generation_; }
  const config::App& config() const { return generation_->config; }
  SlotTable& slots() { return slots_; }
  const SlotTable& slots() const { return slots_; }
  const WorkerCounters& counters() const { return counters_; }
  struct Counts {
    std::uint64_t requests = 0;  // that have ended, however
    std::uint64_t crashes = 0;   // of those, by the death of their worker, or with it in their deferred work
  };
  const Counts& counts() const { return counts_; }
  // What its workers have counted for themselves, dead ones included.
  StatTotals stats() const;
  TimePoint retry_at() const { return backoff_.until(); }

  // Starts workers: as many as workers.min asks for, and up to workers.max while more requests wait than workers are
  // starting.
  void grow();

  enum class Lend {
    kLent,
    kLater,      // the kernel has no room just now; on_retry() comes
    kTryOthers,  // that worker is lost
  };
  // Lends the connection to the worker, which is IDLE. Whatever comes back, the connection is still the caller's to
  // keep.
  Lend lend(WorkerSlot& slot, Connection& connection);

  // Reads what the worker has said.
  void on_channel(WorkerSlot& slot);
  // Overwrites what any worker of any app has said last.  [worker]
  static void forget_words();
  // Logs the lines that the worker has printed.
  void on_output(WorkerSlot& slot, ipc::Stream stream);
  // The worker was reaped: settles what it leaves behind.
  void on_death(WorkerSlot& slot, int wait_status);
  // What it was lent takes longer than timeouts.total.
  void on_total_timeout(WorkerSlot& slot);

  void kill(WorkerSlot& slot, KillReason reason);
  // From now on a worker is started only where a request waits for it.
  void begin_stop();
  void drain_all();
  void kill_all(KillReason reason);

 private:
  // ---- worker_pool.cc ----
  void warn_of_leavers();
  bool spawn();  // false: it could not be started, and was told
  void start_failed(std::string_view how, bool was_ready = false);
  void new_generation();
  void degrade(std::string_view why);
  void drain(WorkerSlot& slot);
  void became_idle(WorkerSlot& slot);
  void retire_idle();
  std::uint64_t draw_max_requests();
  void on_slot_deadline(WorkerSlot& slot);
  void give_up(WorkerSlot& slot);
  std::optional<Crash> settle(WorkerSlot& slot, Fate fate);
  void tell_to_leave(WorkerSlot& slot);
  void unwatch(const WorkerSlot& slot);
  void bury(WorkerSlot& slot);

  // ---- worker_messages.cc: what workers say ----
  std::size_t read_message(WorkerSlot& slot);
  void hear_out(WorkerSlot& slot);
  void on_message(WorkerSlot& slot, std::string_view message, UniqueFd fd);
  void on_step(WorkerSlot& slot, ipc::Step step);
  void on_image(WorkerSlot& slot, UniqueFd image);
  void on_plugin(WorkerSlot& slot, std::string_view said);
  void on_failed(WorkerSlot& slot, ipc::Step step, std::string_view reason);
  void on_done(WorkerSlot& slot, const ipc::Done& done);
  void on_free(WorkerSlot& slot, const ipc::Free& free);
  void request_is_over(WorkerSlot& slot, std::uint64_t memory_bytes);
  void log_output(const WorkerSlot& slot, ipc::Stream stream, std::string_view line) const;
  void on_log_line(const WorkerSlot& slot, std::uint32_t level, std::string_view text) const;
  void broken_protocol(WorkerSlot& slot, std::string_view what);

  const std::string& name() const { return generation_->config.name; }
  std::string label(const WorkerSlot& slot) const { return describe_worker(name(), slot); }

  PoolOwner& owner() const { return *owner_; }

  Loop& loop_;
  Spawner& spawner_;
  Generations& generations_;
  WorkerIndex& workers_;
  PoolOwner* owner_;

  std::shared_ptr<Generation> generation_;
  Purpose purpose_;
  AppState state_ = AppState::kStarting;
  bool stopping_ = false;
  bool leaving_ = false;
  KillReason overdue_ = KillReason::kDrainTimeout;  // of those that do not leave in time
  SlotTable slots_;
  WorkerCounters counters_;
  std::uint64_t last_lend_ = 0;
  Counts counts_;
  StatTotals past_stats_;  // of workers that are dead
  Backoff backoff_;
  Timer retry_;     // of a start that the backoff has put off
  Timer room_;      // of a lend that the kernel had no memory for
  Timer retire_;    // when the next surplus worker will have idled for workers.idle_timeout
  Timer leave_by_;  // the end of the requests of an older generation
  Throttle at_max_{seconds(60)};
  Throttle leavers_{seconds(60)};
  Throttle no_room_;
  std::minstd_rand random_{std::random_device{}()};
};

}  // namespace forklift::master
