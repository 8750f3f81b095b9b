// One app as the master runs it: its queue, and the decisions which connection goes to which worker and how each ends.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

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

class App final : private PoolOwner {
 public:
  // How many connections the app holds: `pending` are those of reception, queue and workers, `connections` all,
  // lingering ones included.
  struct Tally {
    std::size_t connections = 0;
    std::size_t pending = 0;
  };

  // `number` names the app in the poller, together with a slot's index. All references outlive it.
  // `access_file` may be empty.
  App(std::shared_ptr<Generation> first, std::uint32_t number, Loop& loop, Farewell& farewell, Spawner& spawner,
      std::shared_ptr<AccessFile> access_file);

  // Starts the first worker, which makes the image and proves the generation; the others follow when it is READY.
  void start() { dispatch(); }

  // A connection whose head is complete: queues it, or answers 503.
  void enqueue(Connection& connection);
  // Lends what is queued to idle workers, the lowest first, and starts more where all are busy.
  void dispatch();
  // A connection has been QUEUED for queue.age, or LENT until timeouts.total.
  void on_deadline(Connection& connection);

  // A request has ended, and its connection is about to: counts it, and writes the line of the access log.
  struct Outcome {
    unsigned status = 0;
    std::uint64_t bytes = 0;  // of the response's body
    bool complete = false;
  };
  void note(const Connection& connection, const Outcome& outcome);

  // The server stops: no worker is started any more unless a queued connection needs one; when nothing is pending, the
  // workers are drained. At timeouts.stop those that are left are killed.
  void stop();
  void stop_at_once();
  // While stopping: drains the workers as soon as nothing is pending.
  void drain_when_idle();

  AppState state() const { return pool_.state(); }
  const std::string& name() const { return config().name; }
  const config::App& config() const { return pool_.config(); }
  Tally& tally() { return tally_; }
  const RequestCounters& counters() const { return counters_; }
  const ConnectionQueue& queue() const { return queue_; }
  WorkerPool& pool() { return pool_; }
  TimePoint stop_deadline() const { return stop_deadline_; }

 private:
  void on_done(Connection& connection, const ipc::Done& done) override;
  void on_orphan(Connection& connection, Fate fate) override;
  void on_degraded() override;
  void on_retry() override { dispatch(); }
  std::size_t waiting() const override { return queue_.size(); }

  bool lend(WorkerSlot& slot, Connection& connection);
  void wait_in_queue(Connection& connection);
  void refuse_all(int retry_after_seconds);

  Loop& loop_;
  Farewell& farewell_;
  const std::shared_ptr<AccessFile> access_file_;
  std::string access_line_;  // kept, so that its memory is reused
  Tally tally_;
  RequestCounters counters_;
  ConnectionQueue queue_;
  WorkerPool pool_;
  Throttle full_;
  Throttle aged_;

  bool stopped_ = false;  // the time for stopping is over: nothing is queued and nobody started any more
  TimePoint stop_deadline_ = kNever;
  Timer stop_timer_;
};

}  // namespace forklift::master
