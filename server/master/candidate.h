// A generation that is to prove itself before the app's requests go to it.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "master/connection.h"
#include "master/probe.h"
#include "master/worker_pool.h"

namespace forklift::master {

// Starts the first worker, asks it reload.probe, and then starts as many others as the app has at that moment, so that
// no request has to wait for them behind the switch.
class Candidate final : public PoolOwner {
 public:
  enum class State { kProving, kProved, kFailed };

  // `workers` is how many are to be READY. All that `workshop` names, and `connections`, outlive it.
  Candidate(std::shared_ptr<Generation> generation, unsigned workers, const Workshop& workshop,
            ConnectionTable& connections);

  // To be called in each turn of the loop while it is kProving.
  void go_on();
  // The page of the probe that the poller knows by this serial, if it is this one's.
  void on_probe_readable(std::uint32_t serial);

  State state() const { return state_; }
  // While it is kProving: the step that it has not reached yet.
  std::string_view waits_for() const;
  const Generation& generation() const { return *generation_; }
  const std::string& app() const { return generation_->config.name; }
  // kFailed: how, as a line for the log, which still lacks the consequence.
  const std::string& failure() const { return failure_; }

  // kProved: the workers, for another owner. The candidate is of no use afterwards.
  std::unique_ptr<WorkerPool> take_pool() { return std::move(pool_); }

  // It is not wanted any more: its workers are to leave, within timeouts.stop.
  void give_up();
  // Given up, and the server stops: a worker that does not die is not waited for.
  void stop();
  void kill() { pool_->kill_all(KillReason::kStopAtOnce); }
  const WorkerPool& pool() const { return *pool_; }
  // No worker is left of one that was given up.
  bool is_gone() const { return pool_->slots().processes() == 0; }

 private:
  void on_done(Connection& connection, const ipc::Done& done) override;
  void on_orphan(Connection& connection, Fate fate) override;
  void on_degraded() override {}
  void on_retry() override {}
  std::size_t waiting() const override;
  void on_crash(const WorkerPool& pool, Crash crash) override;
  void on_trial_failed(std::string_view how) override;

  bool is_probed();
  Result<void> ask(WorkerSlot& slot);
  void fail_probe(std::string_view why);
  void fail(std::string how);

  const std::shared_ptr<Generation> generation_;
  const unsigned workers_;
  const Workshop& workshop_;
  ConnectionTable& connections_;
  std::unique_ptr<WorkerPool> pool_;
  std::unique_ptr<Probe> probe_;  // while a worker has it
  bool probe_passed_ = false;
  Timer probe_is_late_;
  State state_ = State::kProving;
  std::string failure_;
};

}  // namespace forklift::master
