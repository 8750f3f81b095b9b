// One reload, from the configuration that was read to workers that serve from it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "config/changes.h"
#include "config/config.h"
#include "master/access_log.h"
#include "master/app.h"
#include "master/candidate.h"
#include "master/doors.h"
#include "master/loader.h"
#include "master/reload_result.h"

namespace forklift::master {

// What of the master a reload changes. All of it outlives the reload.
struct Realm {
  std::vector<std::unique_ptr<App>>& apps;
  Doors& doors;
  Reception& reception;
  ConnectionTable& connections;
  Farewell& farewell;
  AccessLogs& access_logs;
  const Workshop& workshop;
};

class Reload {
 public:
  // A line for whoever waits for the reload.
  using Tell = std::function<void(std::string_view app, std::string_view text)>;

  // Of all apps, or of `only` one, to `next`. Nothing happens before start().
  Reload(config::Config next, std::optional<std::string> only, const Realm& realm, Tell tell);
  // Of one app, which runs already, to what `generation` says, with its image if it has one; listeners stay.
  Reload(App& app, std::shared_ptr<Generation> generation, std::shared_ptr<AccessFile> access_file, const Realm& realm,
         Tell tell);
  Reload(const Reload&) = delete;
  Reload& operator=(const Reload&) = delete;
  ~Reload();

  // What it brings was there before, and is not put on probation. `why`: what was wrong with what it takes back.
  void go_back(std::string why) { taken_back_because_ = std::move(why); }

  void start();
  // To be called in each turn of the loop.
  void go_on();
  void on_loader_readable();
  void on_probe_readable(std::uint32_t serial);

  bool is_over() const { return is_over_; }
  // Whether it is still to change that app, or to remove it.
  bool is_about(const std::string& app) const;
  TimePoint begun() const { return begun_; }
  // Of each unit that is not done with: visit(candidate, what it waits for). For the status.
  template <typename Visitor>
  void for_each_candidate(Visitor visit) const {
    for (const Unit& unit : units_) {
      for (const Member& member : unit.members) {
        if (!unit.is_over && member.candidate) visit(*member.candidate, waits_for(unit, *member.candidate));
      }
    }
  }
  const ReloadResult& result() const { return result_; }
  void add_note(std::string note) { result_.notes.push_back(std::move(note)); }
  // What has failed and is no app's failure.
  void add_failure(std::string note) {
    add_note(std::move(note));
    is_whole_ = false;
  }
  // Users and addresses are there: from now on each app succeeds or fails by itself.
  bool is_under_way() const { return is_under_way_; }
  const config::Config& next() const { return next_; }

  // The server stops: what has not switched yet, does not.
  void give_up();
  // Candidates whose workers are still leaving, for the master to look after.
  std::vector<std::unique_ptr<Candidate>> take_remains() { return std::move(given_up_); }
  // In a new worker of another app.
  void forget_all_but(const std::string& app);

 private:
  struct Member {
    config::App* config;  // in next_
    App* app = nullptr;   // nullptr: it is to become one
    std::unique_ptr<Candidate> candidate;
    std::shared_ptr<AccessFile> access_file;
    std::string_view told = {};  // what it waits for
  };
  struct Unit {
    config::Unit plan;
    std::vector<Member> members;
    bool is_over = false;
    bool waits = false;  // for older workers, and it was told
  };

  void plan();
  Result<void> prepare();
  void fail(std::string problem);
  void conclude();

  static std::string_view waits_for(const Unit& unit, const Candidate& candidate);
  void go_on_with(Unit& unit);
  bool may_switch(Unit& unit);
  void switch_to(Unit& unit);
  // `culprit`: the app that `how` is a line about; none: what `how` says is about all.
  void fail_unit(Unit& unit, std::optional<std::string> culprit, std::string_view how);
  struct Unstarted {
    std::string app;
    std::string how;
  };
  std::optional<Unstarted> start_listeners(const Unit& unit);
  void close_listeners(const Unit& unit);
  void move_doors(Unit& unit);
  void remove_apps(const Unit& unit);

  bool is_of(const Unit& unit, const std::string& app) const;
  App* find(std::string_view name) const;
  void note_outcome(AppReload outcome);

  config::Config next_;
  const std::optional<std::string> only_;
  const Realm& realm_;
  const Tell tell_;
  const TimePoint begun_ = Clock::now();
  std::vector<Door*> held_;  // as changes_ counts them; nullptr once it is closed
  config::Changes changes_;
  std::vector<Unit> units_;
  std::unique_ptr<Loader> loader_;
  std::vector<std::unique_ptr<Candidate>> given_up_;
  std::optional<std::string> taken_back_because_;
  bool is_under_way_ = false;
  bool is_over_ = false;
  bool is_whole_ = true;  // without an add_failure()
  ReloadResult result_;
};

}  // namespace forklift::master
