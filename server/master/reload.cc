#include "master/reload.h"

#include <algorithm>
#include <utility>

#include "base/counted.h"
#include "base/log.h"
#include "config/scrub.h"
#include "master/reception.h"

namespace forklift::master {

namespace {

unsigned workers_of(App* app, const config::App& config) {
  const unsigned most = std::max(config.workers.max, 1U);
  const unsigned now = app ? app->pool().slots().live() : 0;
  return std::clamp(now, std::max(config.workers.min, 1U), most);
}

}  // namespace

Reload::Reload(config::Config next, std::optional<std::string> only, const Realm& realm, Tell tell)
    : next_(std::move(next)), only_(std::move(only)), realm_(realm), tell_(std::move(tell)) {}

Reload::Reload(App& app, std::shared_ptr<Generation> generation, std::shared_ptr<AccessFile> access_file,
               const Realm& realm, Tell tell)
    : realm_(realm), tell_(std::move(tell)) {
  Member member{.config = nullptr, .app = &app, .candidate = {}, .access_file = std::move(access_file)};
  member.candidate = std::make_unique<Candidate>(std::move(generation), workers_of(&app, app.config()), realm_.workshop,
                                                 realm_.connections);
  units_.emplace_back().members.push_back(std::move(member));
  is_under_way_ = true;
}

Reload::~Reload() {
  for (config::App& app : next_.apps) config::scrub(app);
}

// ---- before anything changes ----

void Reload::start() {
  if (is_under_way_) return;
  plan();
  if (is_over_) return;
  Loader::Task task{.config = next_, .apps = {}, .bind = {}, .owners = {}};
  for (const Unit& unit : units_) {
    task.apps.insert(task.apps.end(), unit.plan.apps.begin(), unit.plan.apps.end());
  }
  const auto is_ours = [&](const config::Wanted& wanted) { return std::ranges::count(task.apps, wanted.app) > 0; };
  std::ranges::copy_if(changes_.added, std::back_inserter(task.bind), is_ours);
  for (const config::Kept& kept : changes_.kept) {
    const config::Listen& listen = next_.apps[kept.wanted.app].listen[kept.wanted.listen];
    const bool names_somebody = !listen.owner.empty() || !listen.group.empty();
    if (is_ours(kept.wanted) && names_somebody) task.owners.push_back(kept.wanted);
  }
  auto loader = Loader::start(task, realm_.workshop.loop);
  if (!loader) return fail(loader.error().message());
  loader_ = std::move(*loader);
}

void Reload::plan() {
  std::vector<std::string> names;
  for (const auto& app : realm_.apps) {
    if (!app->is_stopping()) names.push_back(app->name());
  }
  std::vector<config::Held> held;
  realm_.doors.for_each([&](Door& door) {
    held_.push_back(&door);
    held.push_back({&door.listen, door.app->name()});
  });
  changes_ = config::changes_of(names, held, next_);
  for (const config::Unit& plan : changes_.units) {
    Unit unit;
    unit.plan = plan;
    for (const std::size_t index : plan.apps) {
      config::App& config = next_.apps[index];
      unit.members.push_back({.config = &config, .app = find(config.name), .candidate = {}, .access_file = {}});
    }
    if (!only_ || is_of(unit, *only_)) units_.push_back(std::move(unit));
  }
  if (only_ && units_.empty()) fail(fmt::format("there is no app \"{}\", neither here nor in {}", *only_, next_.file));
}

void Reload::fail(std::string problem) {
  result_.problems.push_back(std::move(problem));
  is_over_ = true;
}

void Reload::on_loader_readable() {
  if (loader_) loader_->on_readable();
}

// What can still go wrong before the apps begin.
Result<void> Reload::prepare() {
  for (Unit& unit : units_) {
    for (Member& member : unit.members) {
      const std::string& path = member.config->access_log.file;
      if (path.empty()) continue;
      auto opened = realm_.access_logs.open(path);
      if (!opened) return Failure(opened.error().in(fmt::format("app \"{}\"", member.config->name)));
      member.access_file = std::move(*opened);
    }
  }
  for (Unit& unit : units_) {
    for (std::size_t i = 0; i < unit.members.size(); ++i) {
      Member& member = unit.members[i];
      const Generation* before = member.app ? &member.app->pool().generation() : nullptr;
      auto generation =
          realm_.workshop.generations.make(*member.config, std::move(loader_->identities[unit.plan.apps[i]]), before);
      member.candidate = std::make_unique<Candidate>(std::move(generation), workers_of(member.app, *member.config),
                                                     realm_.workshop, realm_.connections);
    }
  }
  return {};
}

void Reload::go_on() {
  if (is_over_) return;
  if (!is_under_way_) {
    if (loader_->state() == Loader::State::kLoading) return;
    if (loader_->state() == Loader::State::kFailed) {
      result_.problems = loader_->problems();
      is_over_ = true;
      return;
    }
    if (auto prepared = prepare(); !prepared) return fail(prepared.error().message());
    is_under_way_ = true;
  }
  for (Unit& unit : units_) {
    if (!unit.is_over) go_on_with(unit);
  }
  if (!std::ranges::all_of(units_, &Unit::is_over)) return;
  // As in the file, and behind them what is not in it any more.
  std::ranges::stable_sort(result_.apps, {}, [this](const AppReload& outcome) {
    return std::ranges::find(next_.apps, outcome.app, &config::App::name) - next_.apps.begin();
  });
  conclude();
}

void Reload::conclude() {
  is_over_ = true;
  const bool has_failed = std::ranges::count(result_.apps, outcome::kFailed, &AppReload::outcome) > 0;
  result_.ok = is_whole_ && !taken_back_because_ && !has_failed;
}

// ---- each unit by itself ----

std::string_view Reload::waits_for(const Unit& unit, const Candidate& candidate) {
  if (candidate.state() == Candidate::State::kProving) return candidate.waits_for();
  return unit.waits ? "workers of older generations to leave" : "the apps that change together with it";
}

void Reload::go_on_with(Unit& unit) {
  for (Member& member : unit.members) {
    member.candidate->go_on();
    if (member.candidate->state() == Candidate::State::kFailed) {
      const std::string how = member.candidate->failure();
      return fail_unit(unit, member.candidate->app(), how);
    }
    const bool is_proving = member.candidate->state() == Candidate::State::kProving;
    if (const auto step_now = member.candidate->waits_for(); is_proving && step_now != member.told) {
      member.told = step_now;
      tell_(member.candidate->app(),
            fmt::format("generation {} waits for {}", member.candidate->generation().number, step_now));
    }
  }
  const bool all_proved = std::ranges::all_of(
      unit.members, [](const Member& member) { return member.candidate->state() == Candidate::State::kProved; });
  if (all_proved && may_switch(unit)) switch_to(unit);
}

// An app has at most workers.max workers that are leaving: those that are busy now would join them.
bool Reload::may_switch(Unit& unit) {
  for (const Member& member : unit.members) {
    if (!member.app) continue;
    const SlotTable& slots = member.app->pool().slots();
    const unsigned leaving = member.app->leavers() + slots.count(SlotState::kDraining);
    const unsigned most = std::max(member.app->config().workers.max, 1U);
    if (leaving == 0 || leaving + slots.count(SlotState::kBusy) <= most) continue;
    if (!std::exchange(unit.waits, true)) {
      const std::string text =
          fmt::format("generation {} is READY and waits until a worker of an older one has left ({} leaving)",
                      member.candidate->generation().number, leaving);
      log::info("app \"{}\": {}", member.app->name(), text);
      tell_(member.app->name(), text);
    }
    return false;
  }
  return true;
}

void Reload::switch_to(Unit& unit) {
  if (const auto unstarted = start_listeners(unit)) return fail_unit(unit, unstarted->app, unstarted->how);
  for (Member& member : unit.members) {
    const std::uint64_t number = member.candidate->generation().number;
    const bool is_new = !member.app;
    if (is_new) {
      realm_.apps.push_back(std::make_unique<App>(member.candidate->take_pool(), realm_.workshop, realm_.farewell,
                                                  std::move(member.access_file)));
      member.app = realm_.apps.back().get();
    } else {
      member.app->adopt(member.candidate->take_pool(), std::move(member.access_file), !taken_back_because_);
    }
    const std::string& name = member.app->name();
    const unsigned leaving = member.app->leavers();
    const std::string text =
        fmt::format("{}{}", describe_running(member.app->pool().generation()),
                    leaving == 0 ? "" : fmt::format("; {} of older ones leaving", counted(leaving, "worker")));
    log::info("app \"{}\": {}", name, text);
    tell_(name, text);
    note_outcome({.app = name,
                  .outcome = taken_back_because_ ? outcome::kTakenBack
                             : is_new            ? outcome::kAdded
                                                 : outcome::kReloaded,
                  .generation = number,
                  .reason = taken_back_because_.value_or("")});
  }
  move_doors(unit);
  remove_apps(unit);
  unit.is_over = true;
}

void Reload::fail_unit(Unit& unit, std::optional<std::string> culprit, std::string_view how) {
  close_listeners(unit);
  const log::Level level = culprit ? log::Level::kError : log::Level::kInfo;
  const auto describe = [&](const std::string& name, std::string_view consequence) {
    if (!culprit) return fmt::format("app \"{}\": {}; {}", name, how, consequence);
    if (name == *culprit) return fmt::format("{}; {}", how, consequence);
    return fmt::format("app \"{}\": {}, as it changes together with app \"{}\"", name, consequence, *culprit);
  };
  for (Member& member : unit.members) {
    const std::string& name = member.candidate->app();
    const std::uint64_t stays =
        member.app && member.app->state() != AppState::kDegraded ? member.app->pool().generation().number : 0;
    const std::string consequence = stays > 0    ? fmt::format("generation {} stays", stays)
                                    : member.app ? "it stays degraded"
                                                 : "it is not added";
    const std::string line = describe(name, consequence);
    log::write(level, line);
    tell_(name, line);
    note_outcome({.app = name, .outcome = outcome::kFailed, .generation = stays, .reason = line});
    member.candidate->give_up();
    given_up_.push_back(std::move(member.candidate));
  }
  for (const std::string& name : unit.plan.removed) {
    App* removed = find(name);
    const std::string line = describe(name, "it stays");
    log::write(level, line);
    note_outcome({.app = name,
                  .outcome = outcome::kFailed,
                  .generation = removed ? removed->pool().generation().number : 0,
                  .reason = line});
  }
  unit.is_over = true;
}

// ---- listeners ----

std::optional<Reload::Unstarted> Reload::start_listeners(const Unit& unit) {
  if (!loader_) return std::nullopt;
  for (auto& [key, listener] : loader_->listeners) {
    const std::string& app = next_.apps[key.first].name;
    if (!is_of(unit, app)) continue;
    if (auto started = listener.start(); !started) {
      return Unstarted{app, started.error().in(fmt::format("app \"{}\"", app)).message()};
    }
  }
  return std::nullopt;
}

// Those of them that listen already would have clients whom nobody accepts.
void Reload::close_listeners(const Unit& unit) {
  if (!loader_) return;
  auto& listeners = loader_->listeners;
  for (auto entry = listeners.begin(); entry != listeners.end();) {
    const bool is_its = is_of(unit, next_.apps[entry->first.first].name);
    if (is_its) entry->second.close();
    entry = is_its ? listeners.erase(entry) : std::next(entry);
  }
}

void Reload::move_doors(Unit& unit) {
  if (!loader_) return;
  for (const config::Kept& kept : changes_.kept) {
    const config::App& config = next_.apps[kept.wanted.app];
    if (!is_of(unit, config.name)) continue;
    const auto given = realm_.doors.give(*held_[kept.held], *find(config.name), config.listen[kept.wanted.listen],
                                         loader_->owners[{kept.wanted.app, kept.wanted.listen}]);
    if (given) continue;
    const std::string line = fmt::format("app \"{}\": {}; it stays as it was", config.name, given.error().message());
    log::error("{}", line);
    add_failure(line);
  }
  for (const config::Wanted& wanted : changes_.added) {
    const config::App& config = next_.apps[wanted.app];
    const auto listener = loader_->listeners.find({wanted.app, wanted.listen});
    if (!is_of(unit, config.name) || listener == loader_->listeners.end()) continue;
    Door& door = realm_.doors.add(std::move(listener->second), config.listen[wanted.listen], *find(config.name));
    loader_->listeners.erase(listener);
    realm_.doors.start(door);
  }
  for (const std::size_t index : changes_.closed) {
    Door*& door = held_[index];
    // nullptr: closed, with its app's unit.
    if (door && is_of(unit, door->app->name())) realm_.doors.close(*std::exchange(door, nullptr));
  }
}

void Reload::remove_apps(const Unit& unit) {
  for (const std::string& name : unit.plan.removed) {
    App* app = find(name);
    if (!app) continue;
    log::info("app \"{}\": removed; what it has accepted is answered", name);
    tell_(name, "removed");
    app->stop(deadline_after(Clock::now(), app->config().timeouts.drain), KillReason::kDrainTimeout);
    realm_.connections.for_each([&](Connection& connection) {
      const bool is_arriving = connection.app == app && connection.state == ConnectionState::kReceiving;
      if (is_arriving) realm_.reception.hasten(connection, app->stop_deadline());
    });
    note_outcome({.app = name, .outcome = outcome::kRemoved, .generation = 0, .reason = {}});
  }
}

// ---- the rest ----

bool Reload::is_of(const Unit& unit, const std::string& app) const {
  const bool stays =
      std::ranges::any_of(unit.plan.apps, [&](std::size_t index) { return next_.apps[index].name == app; });
  return stays || std::ranges::find(unit.plan.removed, app) != unit.plan.removed.end();
}

bool Reload::is_about(const std::string& app) const {
  return std::ranges::any_of(units_, [&](const Unit& unit) {
    return !unit.is_over && (is_of(unit, app) || std::ranges::any_of(unit.members, [&](const Member& member) {
                               return member.app && member.app->name() == app;
                             }));
  });
}

void Reload::note_outcome(AppReload outcome) {
  App* app = outcome.generation > 0 ? find(outcome.app) : nullptr;
  if (app) outcome.plugin = app->pool().generation().plugin;
  const bool is_restart = next_.file.empty();  // nothing was read
  if (is_restart && outcome.outcome == outcome::kReloaded) outcome.outcome = outcome::kRestarted;
  result_.apps.push_back(std::move(outcome));
}

App* Reload::find(std::string_view name) const {
  for (const auto& app : realm_.apps) {
    if (app->name() == name && !app->is_stopping()) return app.get();
  }
  return nullptr;
}

void Reload::on_probe_readable(std::uint32_t serial) {
  for (Unit& unit : units_) {
    for (Member& member : unit.members) {
      if (member.candidate) member.candidate->on_probe_readable(serial);
    }
  }
}

void Reload::give_up() {
  for (Unit& unit : units_) {
    if (!unit.is_over && is_under_way_) fail_unit(unit, std::nullopt, "the server stops");
  }
  if (!is_under_way_) result_.problems.emplace_back("the server stops");
  loader_.reset();
  is_over_ = true;
}

void Reload::forget_all_but(const std::string& app) {
  for (config::App& other : next_.apps) {
    if (other.name != app) config::scrub(other);
  }
}

}  // namespace forklift::master
