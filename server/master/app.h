// One app as the master runs it: its queue, and the decisions which connection goes to which worker and how each ends.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/throttle.h"
#include "master/access_log.h"
#include "master/connection.h"
#include "master/counters.h"
#include "master/farewell.h"
#include "master/generation.h"
#include "master/loop.h"
#include "master/spawner.h"
#include "master/worker_pool.h"

namespace forklift::master {

class App final : public PoolOwner {
 public:
  // How many connections the app holds: `pending` are those of reception, queue and workers, `connections` all,
  // lingering ones included.
  struct Tally {
    std::size_t connections = 0;
    std::size_t pending = 0;
  };

  // All that `workshop` names, and `farewell`, outlive it. `access_file` may be empty.
  App(std::shared_ptr<Generation> first, const Workshop& workshop, Farewell& farewell,
      std::shared_ptr<AccessFile> access_file);
  // One that has proved itself before there was an app.
  App(std::unique_ptr<WorkerPool> proved, const Workshop& workshop, Farewell& farewell,
      std::shared_ptr<AccessFile> access_file);

  // Starts the first worker, which makes the image and proves the generation; the others follow when it is READY.
  void start() { dispatch(); }

  // A connection whose head is complete: queues it, or answers 503.
  void enqueue(Connection& connection);
  // Lends what is queued to idle workers, the lowest first, and starts more where all are busy.
  void dispatch();

  // From now on requests go to the workers of `proved`, and their generation's configuration is the app's. The workers
  // of the generation before finish what they have, within its timeouts.drain. `on_probation`: where reload.probation
  // says so, that one may come back; see take_rollback(). Where the current one is to be taken back itself, the one
  // before it stays the one that may.
  void adopt(std::unique_ptr<WorkerPool> proved, std::shared_ptr<AccessFile> access_file, bool on_probation);
  // A generation that may come back, and where its requests were logged.
  struct Former {
    std::shared_ptr<Generation> generation;
    std::shared_ptr<AccessFile> access_file;
    WorkerPool::Counts counts;  // of its workers
    std::string why{};          // what the current one has done, for which it is to come back
  };
  // The one before, where the current one is on probation and has crashed too often; at most once.
  std::optional<Former> take_rollback() { return std::exchange(rollback_, std::nullopt); }
  // What the workers of a generation that never was the app's have counted, now that they are gone.
  void remember(const WorkerPool& gone);
  // Workers of older generations that still have a request, or do not leave.
  unsigned leavers() const;

  // A connection has been QUEUED for queue.age, or LENT until timeouts.total.
  void on_deadline(Connection& connection);

  // A request has ended, and its connection is about to: counts it, and writes the line of the access log.
  struct Outcome {
    unsigned status = 0;
    std::uint64_t bytes = 0;  // of the response's body
    bool complete = false;
  };
  void note(const Connection& connection, const Outcome& outcome);
  // Overwrites what is left of the last one.  [worker]
  void forget_requests();
  static Outcome sent_before_death(const Connection& connection);

  // The server stops, or the app is no longer in its configuration: no worker is started any more unless a queued
  // connection needs one; when nothing is pending, the workers are drained. At `deadline` those that are left are
  // killed: it is that of timeouts.stop, or with kDrainTimeout of timeouts.drain.
  void stop(TimePoint deadline, KillReason overdue);
  void stop_at_once(KillReason because);
  // While stopping: drains the workers as soon as nothing is pending.
  void drain_when_idle();
  // Stopped, and nothing refers to it any more.
  bool is_gone() const;

  AppState state() const { return pool_->state(); }
  const std::string& name() const { return config().name; }
  const config::App& config() const { return pool_->config(); }
  Tally& tally() { return tally_; }
  const RequestCounters& counters() const { return counters_; }
  const ConnectionQueue& queue() const { return queue_; }
  WorkerPool& pool() { return *pool_; }
  bool is_stopping() const { return stopping_; }
  TimePoint stop_deadline() const { return stop_deadline_; }
  std::string_view stop_key() const;
  const std::shared_ptr<AccessFile>& access_file() const { return access_file_; }
  // Processes of all its generations.
  unsigned processes() const;
  // Of all its generations, those that are gone included.
  WorkerCounters worker_counters() const;
  // What its plugin counts for itself, likewise.
  StatTotals stats() const;
  template <typename Visitor>
  void for_each_worker(Visitor visit) {
    for_each_pool([&](WorkerPool& pool) { pool.slots().for_each(visit); });
  }

 private:
  void on_done(Connection& connection, const ipc::Done& done) override;
  void on_orphan(Connection& connection, Fate fate) override;
  void on_degraded() override;
  void on_retry() override { dispatch(); }
  std::size_t waiting() const override;
  void on_crash(const WorkerPool& pool, Crash crash) override;

  bool lend(WorkerSlot& slot, Connection& connection);
  void wait_in_queue(Connection& connection);
  void refuse_all(int retry_after_seconds);

  template <typename Visitor>
  void for_each_pool(Visitor visit) const {
    visit(*pool_);
    for (const auto& older : older_) visit(*older);
  }

  Loop& loop_;
  Farewell& farewell_;
  std::shared_ptr<AccessFile> access_file_;
  std::string access_line_;  // kept, so that its memory is reused
  Tally tally_;
  RequestCounters counters_;
  WorkerCounters past_;    // of generations that are gone
  StatTotals past_stats_;  // likewise
  ConnectionQueue queue_;
  std::unique_ptr<WorkerPool> pool_;                // of the current generation; never empty
  std::vector<std::unique_ptr<WorkerPool>> older_;  // whose workers are leaving
  std::optional<Former> before_;                    // while the current one is on probation
  std::optional<Former> rollback_;                  // it is to come back
  Timer probation_;
  Throttle full_;
  Throttle aged_;

  bool stopping_ = false;
  KillReason overdue_ = KillReason::kStopTimeout;
  bool stopped_ = false;  // the time for stopping is over: nothing is queued and nobody started any more
  TimePoint stop_deadline_ = kNever;
  Timer stop_timer_;
};

}  // namespace forklift::master
