// The reloads that were asked for: one at a time, and none is lost.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "master/reception_budget.h"
#include "master/reload.h"
#include "master/service_manager.h"

namespace forklift::master {

// `serving 3 apps, but not blog`: for the service manager.
std::string describe_service(const std::vector<std::unique_ptr<App>>& apps);

class Reloads {
 public:
  struct Request {
    enum class Kind { kAll, kApp, kRestart };
    Kind kind = Kind::kAll;
    std::string app = {};  // unless kAll
    // Who waits for it; both may be empty.
    Reload::Tell tell = {};
    std::function<void(const ReloadResult&)> finish = {};
  };

  // All of it outlives the object. `config` is changed to what is in use.
  Reloads(const Realm& realm, config::Config& config, ReceptionBudget& budget, ServiceManager& service_manager);

  // One that is asked for while another one runs, runs afterwards: the file may have changed since that one has read
  // it. Several that nobody waits for are one.
  void ask(Request request);
  // To be called in each turn of the loop, once the server is ready.
  void go_on();
  void on_loader_readable();
  void on_probe_readable(std::uint32_t serial);

  // The server stops.
  void stop();
  void kill();

  // In a new worker of another app.
  void forget_all_but(const std::string& app);

  const std::optional<ReloadResult>& last() const { return last_; }

  // ---- for the status ----
  // Since when one runs; none: none does.
  std::optional<TimePoint> begun() const;
  std::size_t waiting() const { return waiting_.size(); }
  // See Reload::for_each_candidate().
  template <typename Visitor>
  void for_each_candidate(Visitor visit) const {
    for (const auto* reload : {&running_, &rollback_}) {
      if (*reload) (*reload)->for_each_candidate(visit);
    }
  }
  // Workers that no app has: of candidates, also of those that were given up.
  template <typename Visitor>
  void for_each_worker_of(std::string_view app, Visitor visit) const {
    const auto look_at = [&](const Candidate& candidate) {
      if (candidate.app() == app) candidate.pool().slots().for_each(visit);
    };
    for_each_candidate([&](const Candidate& candidate, std::string_view) { look_at(candidate); });
    for (const auto& candidate : leaving_) look_at(*candidate);
  }

 private:
  bool begin();
  void begin_reload();
  void begin_restart();
  void tend_rollback();
  void begin_rollback();
  void adopt_settings(const config::Config& next);
  void conclude();
  void keep_remains_of(Reload& reload);
  void forget_the_gone();
  void refuse(const std::string& problem);
  void finish(ReloadResult result);
  void note(const ReloadResult& result, std::string_view what = "reload");

  const Realm& realm_;
  config::Config& config_;
  ReceptionBudget& budget_;
  ServiceManager& service_manager_;
  std::deque<Request> waiting_;
  Request request_;  // of the one that runs
  std::unique_ptr<Reload> running_;
  std::unique_ptr<Reload> rollback_;  // of a generation on probation; beside one that runs, if it is about other apps
  bool settings_adopted_ = false;
  bool stopping_ = false;
  std::vector<std::unique_ptr<Candidate>> leaving_;
  std::optional<ReloadResult> last_;
};

}  // namespace forklift::master
