// The master: owns listeners, connections, timers and workers. One thread, no plugin code, and, once it serves, no
// system call that waits but the poller's.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/signals.h"
#include "base/wall_clock.h"
#include "config/config.h"
#include "master/access_log.h"
#include "master/app.h"
#include "master/connection.h"
#include "master/control.h"
#include "master/doors.h"
#include "master/farewell.h"
#include "master/loop.h"
#include "master/passed_sockets.h"
#include "master/pid_file.h"
#include "master/reception.h"
#include "master/reloads.h"
#include "master/runtime_dir.h"
#include "master/service_manager.h"
#include "master/spawner.h"

namespace forklift::master {

struct Options {
  bool strict = false;            // any app that does not start is fatal
  std::string_view version = {};  // for the status document
};

class Master final : private ControlHandler {
 public:
  // Makes runtime_dir and pid_file, looks up users, binds all listeners and takes those that the service manager has
  // passed. Signals must be blocked already (base/signals.h). On failure nothing is left behind.
  static Result<std::unique_ptr<Master>> create(config::Config config, Options options,
                                                Spawner::WorkerMain worker_main);

  // Serves until it is told to stop. The error says why it could not start: every app has failed, or one has and
  // `strict` is set.
  Result<void> run();

 private:
  Master(config::Config config, Options options, Loop loop, SignalEvents signals, RuntimeDir runtime_dir, PidFile lock,
         std::optional<PidFile> pid_file, Spawner spawner);

  Result<void> add_apps(PassedSockets& passed);
  void forget_all_but(const WorkerSlot& slot);

  // ---- what the commands ask for ----
  std::string status() override;
  void stop() override;
  Result<void> reload(std::optional<std::string> app, bool restart, ControlClientId client) override;

  // ---- the steps of the loop ----
  void wait();
  void handle_signals();
  void reap();
  void receive();
  void dispatch();
  void tend_reloads();
  void tend_timers();

  void reopen_logs(int signal);
  void receive_on(const Poller::Event& event);
  void on_deadline(Connection& connection);
  void announce();
  void stop_at_once();
  bool finished() const;

  config::Config config_;  // without the apps, whose generations have what they are made of
  const Options options_;
  const WallTime since_ = std::chrono::system_clock::now();
  Loop loop_;
  ServiceManager service_manager_;
  SignalEvents signals_;
  RuntimeDir runtime_dir_;
  PidFile lock_;  // in runtime_dir: one server a file
  std::optional<PidFile> pid_file_;
  Spawner spawner_;
  Generations generations_;
  WorkerIndex workers_;
  const Workshop workshop_{loop_, spawner_, generations_, workers_};
  ConnectionTable connections_;
  ReceptionBudget budget_;
  Farewell farewell_;
  Reception reception_;
  Doors doors_;
  Control control_;
  AccessLogs access_logs_;
  std::vector<std::unique_ptr<App>> apps_;
  const Realm realm_{apps_, doors_, reception_, connections_, farewell_, access_logs_, workshop_};
  Reloads reloads_;

  Timer trim_;  // of memory for heads that a crowd has left behind

  std::span<const Poller::Event> events_;
  bool child_died_ = false;
  bool announced_ = false;
  bool stopping_ = false;
  bool at_once_ = false;
  std::string failure_;
};

}  // namespace forklift::master
