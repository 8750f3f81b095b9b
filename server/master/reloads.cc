#include "master/reloads.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "base/counted.h"
#include "base/log.h"
#include "config/reader.h"

namespace forklift::master {

namespace {

// Each has a client of the control socket behind it, and those are few.
constexpr std::size_t kWaitingMax = 64;

// Of candidates that were given up and do not leave before timeouts.stop is over, which is what a destroy() that hangs
// costs. Where there are so many, the next reload waits for one of them.
constexpr std::size_t kLeavingMax = 8;

std::string summary_of(const ReloadResult& result) {
  const auto count = [&](std::string_view what) { return std::ranges::count(result.apps, what, &AppReload::outcome); };
  const auto taken_back = count(outcome::kTakenBack);
  const auto reloaded = static_cast<std::uint64_t>(count(outcome::kReloaded) + count(outcome::kRestarted));
  return fmt::format("{} reloaded, {} added, {} removed, {} failed{}", counted(reloaded, "app"), count(outcome::kAdded),
                     count(outcome::kRemoved), count(outcome::kFailed),
                     taken_back == 0 ? "" : fmt::format(", {} taken back", taken_back));
}

}  // namespace

std::string describe_service(const std::vector<std::unique_ptr<App>>& apps) {
  std::size_t serving = 0;
  std::vector<std::string_view> absent;
  for (const auto& app : apps) {
    if (app->state() == AppState::kDegraded) absent.push_back(app->name());
    if (app->state() != AppState::kDegraded && !app->is_stopping()) ++serving;
  }
  return fmt::format("serving {}{}{}", counted(serving, "app"), absent.empty() ? "" : ", but not ",
                     fmt::join(absent, ", "));
}

Reloads::Reloads(const Realm& realm, config::Config& config, ReceptionBudget& budget, ServiceManager& service_manager)
    : realm_(realm), config_(config), budget_(budget), service_manager_(service_manager) {}

void Reloads::ask(Request request) {
  const bool is_plain = request.kind == Request::Kind::kAll && !request.finish;
  const bool waits_already = std::ranges::any_of(
      waiting_, [](const Request& other) { return other.kind == Request::Kind::kAll && !other.finish; });
  if (is_plain && waits_already) return;
  if (!is_plain && waiting_.size() >= kWaitingMax) {
    if (request.finish) request.finish({.ok = false, .apps = {}, .problems = {"too many reloads wait"}, .notes = {}});
    return;
  }
  waiting_.push_back(std::move(request));
}

void Reloads::go_on() {
  forget_the_gone();
  tend_rollback();
  // No event may come that would bring the next one's turn.
  while (running_ || begin()) {
    if (!running_) continue;
    running_->go_on();
    if (running_->is_under_way() && !std::exchange(settings_adopted_, true)) adopt_settings(running_->next());
    if (!running_->is_over()) return;
    conclude();
    tend_rollback();  // it may have waited for this one, and comes before the next
  }
}

std::optional<TimePoint> Reloads::begun() const {
  std::optional<TimePoint> first;
  for (const auto* reload : {&running_, &rollback_}) {
    if (*reload) first = std::min(first.value_or(kNever), (*reload)->begun());
  }
  return first;
}

void Reloads::forget_the_gone() {
  std::erase_if(leaving_, [this](const auto& candidate) {
    if (!candidate->is_gone()) return false;
    for (const auto& app : realm_.apps) {
      if (app->name() == candidate->app()) app->remember(candidate->pool());
    }
    return true;
  });
}

// ---- what is asked for ----

// False: nothing was asked for, or it has to wait. It may have ended at once.
bool Reloads::begin() {
  if (leaving_.size() >= kLeavingMax) return false;
  if (rollback_ || waiting_.empty()) return false;
  request_ = std::move(waiting_.front());
  waiting_.pop_front();
  if (!request_.tell) request_.tell = [](std::string_view, std::string_view) {};
  settings_adopted_ = request_.kind != Request::Kind::kAll;
  request_.kind == Request::Kind::kRestart ? begin_restart() : begin_reload();
  return true;
}

void Reloads::begin_reload() {
  log::info("reloading {}{}", config_.file, request_.app.empty() ? "" : fmt::format(", app \"{}\"", request_.app));
  if (request_.kind == Request::Kind::kAll) service_manager_.say_reloading();
  // A regular file, and a few milliseconds; whatever may wait for others is the loader's.
  auto next = config::read_file(config_.file);
  if (!next) {
    ReloadResult result;
    for (const config::Finding& finding : next.error()) result.problems.push_back(finding.to_string());
    return finish(std::move(result));
  }
  const auto only = request_.kind == Request::Kind::kApp ? std::optional(request_.app) : std::nullopt;
  running_ = std::make_unique<Reload>(std::move(*next), only, realm_, request_.tell);
  running_->start();
}

void Reloads::begin_restart() {
  log::info("app \"{}\": restarting", request_.app);
  App* app = nullptr;
  for (const auto& candidate : realm_.apps) {
    if (candidate->name() == request_.app && !candidate->is_stopping()) app = candidate.get();
  }
  if (!app) return refuse(fmt::format("there is no app \"{}\"", request_.app));
  const Generation& current = app->pool().generation();
  auto next = realm_.workshop.generations.make(current.config, current.identity, &current);
  running_ = std::make_unique<Reload>(*app, std::move(next), app->access_file(), realm_, request_.tell);
}

// A generation on probation has crashed too often. That is what clients suffer from: it comes before what waits.
void Reloads::tend_rollback() {
  if (!rollback_) begin_rollback();
  if (!rollback_) return;
  rollback_->go_on();
  if (!rollback_->is_over()) return;
  keep_remains_of(*rollback_);
  note(rollback_->result());
  rollback_.reset();
  // Another app's may wait, and no event may come.
  tend_rollback();
}

void Reloads::begin_rollback() {
  for (const auto& app : realm_.apps) {
    if (app->is_stopping() || (running_ && running_->is_about(app->name()))) continue;
    auto former = app->take_rollback();
    if (!former) continue;
    const Generation& before = *former->generation;
    auto next = realm_.workshop.generations.make(before.config, before.identity, &app->pool().generation());
    next->image = before.image;  // the file holds what is to be taken back
    const std::uint64_t number = app->pool().generation().number;
    log::error(
        "app \"{}\": generation {} is taken back; generation {} is to be what {} was. {} and the configuration are "
        "still those of {}: replace them before the next reload",
        app->name(), number, next->number, before.number, app->config().plugin, number);
    rollback_ = std::make_unique<Reload>(*app, std::move(next), std::move(former->access_file), realm_,
                                         [](std::string_view, std::string_view) {});
    rollback_->go_back(fmt::format("generation {}: {}", number, former->why));
    return;
  }
}

void Reloads::refuse(const std::string& problem) {
  finish({.ok = false, .apps = {}, .problems = {problem}, .notes = {}});
}

void Reloads::on_loader_readable() {
  if (running_) running_->on_loader_readable();
}

void Reloads::on_probe_readable(std::uint32_t serial) {
  for (const auto* reload : {&running_, &rollback_}) {
    if (*reload) (*reload)->on_probe_readable(serial);
  }
}

// ---- what is not an app's ----

void Reloads::adopt_settings(const config::Config& next) {
  const auto keep = [&](std::string_view key, const std::string& now, const std::string& then) {
    if (now == then) return;
    log::warning("reload: {} cannot be changed without a restart; it stays {}", key, now.empty() ? "without" : now);
    running_->add_note(fmt::format("{} cannot be changed without a restart", key));
  };
  keep("runtime_dir", config_.runtime_dir, next.runtime_dir);
  keep("pid_file", config_.pid_file, next.pid_file);
  keep("control", config_.control, next.control);
  if (!(config_.log == next.log)) {
    if (auto opened = log::open(next.log)) {
      config_.log = next.log;
    } else {
      log::error("reload: {}; the log stays as it was", opened.error().message());
      running_->add_failure(fmt::format("{}; the log stays as it was", opened.error().message()));
    }
  }
  config_.reception_bytes = next.reception_bytes;
  budget_.set_limit(next.reception_bytes);
}

// ---- the end ----

void Reloads::keep_remains_of(Reload& reload) {
  auto remains = reload.take_remains();
  std::ranges::move(remains, std::back_inserter(leaving_));
  forget_the_gone();  // now: who has lost its last worker before waits for no event any more
}

void Reloads::conclude() {
  keep_remains_of(*running_);
  ReloadResult result = running_->result();
  running_.reset();
  finish(std::move(result));
}

void Reloads::note(const ReloadResult& result, std::string_view what) {
  const log::Level level = stopping_ ? log::Level::kInfo : log::Level::kError;
  for (const std::string& problem : result.problems) log::write(level, fmt::format("{}: {}", what, problem));
  if (!result.problems.empty()) log::write(level, fmt::format("{}: nothing has changed", what));
  if (result.problems.empty()) log::info("{}: {}", what, summary_of(result));
  last_ = result;
}

void Reloads::finish(ReloadResult result) {
  note(result, request_.kind == Request::Kind::kRestart ? "restart" : "reload");
  if (request_.kind == Request::Kind::kAll) service_manager_.say_ready(describe_service(realm_.apps));
  if (request_.finish) request_.finish(result);
  request_ = {};
}

void Reloads::stop() {
  stopping_ = true;
  if (running_) {
    running_->give_up();
    conclude();
  }
  if (rollback_) {
    rollback_->give_up();
    keep_remains_of(*rollback_);
    rollback_.reset();
  }
  for (const auto& candidate : leaving_) candidate->stop();
  for (Request& request : std::exchange(waiting_, {})) {
    if (request.finish) request.finish({.ok = false, .apps = {}, .problems = {"the server stops"}, .notes = {}});
  }
}

void Reloads::kill() {
  for (const auto& candidate : leaving_) candidate->kill();
}

void Reloads::forget_all_but(const std::string& app) {
  if (running_) running_->forget_all_but(app);
}

}  // namespace forklift::master
