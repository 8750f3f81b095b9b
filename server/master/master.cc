#include "master/master.h"

#include <fmt/ranges.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

#include "base/log.h"
#include "config/scrub.h"
#include "machine/identity.h"
#include "master/control_messages.h"
#include "master/status.h"

namespace forklift::master {

namespace {

// A file that does not take a line is tried again, though no new line comes.
constexpr Duration kAccessLogRetry = seconds(1);

constexpr Duration kTrimPause = seconds(1);

// The master holds every connection, so it takes as many descriptors as it may have. Workers get the old limit back: a
// program that uses select(2) must not meet numbers above 1023.
rlimit raise_descriptor_limit() {
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  const rlimit raised{.rlim_cur = before.rlim_max, .rlim_max = before.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &raised);
  return before;
}

}  // namespace

Result<std::unique_ptr<Master>> Master::create(config::Config config, Options options,
                                               Spawner::WorkerMain worker_main) {
  config::overwrite_what_is_freed();  // so that no worker finds there what another app was asked
  auto passed = PassedSockets::take();
  if (!passed) return Failure(passed.error());
  auto poller = Poller::create();
  if (!poller) return Failure(poller.error());
  auto signals = SignalEvents::create();
  if (!signals) return Failure(signals.error());
  auto runtime_dir = RuntimeDir::make(config.runtime_dir);
  if (!runtime_dir) return Failure(runtime_dir.error());

  auto lock =
      PidFile::write(runtime_dir->path() + "/lock",
                     fmt::format("is running from this file, or with this runtime_dir ({})", runtime_dir->path()));
  if (!lock) return Failure(lock.error());
  std::optional<PidFile> pid_file;
  if (!config.pid_file.empty()) {
    auto written = PidFile::write(config.pid_file, "holds " + config.pid_file);
    if (!written) return Failure(written.error().in("pid_file"));
    pid_file.emplace(std::move(*written));
  }

  Spawner spawner(std::move(worker_main), config.runtime_dir, raise_descriptor_limit());
  std::unique_ptr<Master> master(new Master(std::move(config), options, Loop{std::move(*poller), {}},
                                            std::move(*signals), std::move(*runtime_dir), std::move(*lock),
                                            std::move(pid_file), std::move(spawner)));
  if (auto opened = master->control_.open(master->config_.control); !opened) return Failure(opened.error());
  if (auto added = master->add_apps(*passed); !added) return Failure(added.error());
  passed->close_rest();
  for (config::App& app : master->config_.apps) config::scrub(app);
  master->config_.apps.clear();
  return master;
}

Master::Master(config::Config config, Options options, Loop loop, SignalEvents signals, RuntimeDir runtime_dir,
               PidFile lock, std::optional<PidFile> pid_file, Spawner spawner)
    : config_(std::move(config)),
      options_(options),
      loop_(std::move(loop)),
      service_manager_(loop_.timers),
      signals_(std::move(signals)),
      runtime_dir_(std::move(runtime_dir)),
      lock_(std::move(lock)),
      pid_file_(std::move(pid_file)),
      spawner_(std::move(spawner)),
      connections_([this](Connection& connection) { on_deadline(connection); }),
      budget_(config_.reception_bytes),
      farewell_(loop_, connections_, budget_),
      reception_(loop_, connections_, farewell_, budget_),
      doors_(loop_, reception_),
      control_(loop_, *this, ::geteuid()),
      reloads_(realm_, config_, budget_, service_manager_),
      trim_([this] { connections_.heads().trim(); }) {
  spawner_.set_forget([this](const WorkerSlot& slot) { forget_all_but(slot); });
}

// Users before listeners: a name that is wrong is to be told before anybody can connect.
Result<void> Master::add_apps(PassedSockets& passed) {
  for (const config::App& app : config_.apps) {
    auto identity = machine::look_up(app);
    if (!identity) return Failure(identity.error());
    std::shared_ptr<AccessFile> access_file;
    if (!app.access_log.file.empty()) {
      auto opened = access_logs_.open(app.access_log.file);
      if (!opened) return Failure(opened.error().in(fmt::format("app \"{}\"", app.name)));
      access_file = std::move(*opened);
    }
    apps_.push_back(std::make_unique<App>(generations_.make(app, std::move(*identity)), workshop_, farewell_,
                                          std::move(access_file)));
  }
  for (const auto& app : apps_) {
    if (auto opened = doors_.open(*app, passed); !opened) {
      doors_.close();
      return Failure(opened.error().in(fmt::format("app \"{}\"", app->name())));
    }
  }
  return {};
}

// In a new process: what other workers share with the master is none of its business, nor what other apps keep secret
// and were asked. (The heads that arrive are not there: see HeadPool.)
void Master::forget_all_but(const WorkerSlot& kept) {
  const std::string& name = kept.generation->config.name;
  workers_.for_each([&](WorkerSlot& slot) {
    if (&slot == &kept) return;
    slot.page = {};
    slot.output = {};
  });
  for (const auto& app : apps_) app->forget_requests();
  access_logs_.forget();
  WorkerPool::forget_words();
  generations_.forget_all_but(name);
  reloads_.forget_all_but(name);
  config::forget_what_was_freed();
}

Result<void> Master::run() {
  if (auto added = loop_.poller.add(signals_.fd(), token(Watch::kSignals, 0, 0), EPOLLIN); !added) return added;
  for (const auto& app : apps_) app->start();
  doors_.start();
  service_manager_.start_watchdog();

  while (!finished()) {
    wait();
    handle_signals();
    reap();
    receive();
    tend_timers();  // before dispatch(): a timer may reopen a listener and bring requests
    tend_reloads();
    dispatch();
    if (!announced_ && !stopping_) announce();
  }
  access_logs_.finish();
  if (!failure_.empty()) return fail("{}", failure_);
  return {};
}

void Master::wait() {
  access_logs_.flush();
  const TimePoint retry = access_logs_.wants_retry() ? Clock::now() + kAccessLogRetry : kNever;
  events_ = loop_.poller.wait(std::min(loop_.timers.next(), retry));
}

void Master::handle_signals() {
  const Token name = token(Watch::kSignals, 0, 0);
  if (std::none_of(events_.begin(), events_.end(), [&](const auto& event) { return event.token == name; })) return;
  for (const int signal : signals_.take()) {
    switch (signal) {
      case SIGCHLD: child_died_ = true; break;
      case SIGTERM:
      case SIGQUIT:
      case SIGINT:
        log::info("signal {} ({}): stopping{}", signal, sigabbrev_np(signal), stopping_ ? " at once" : "");
        stopping_ ? stop_at_once() : stop();
        break;
      case SIGUSR1: reopen_logs(signal); break;
      case SIGHUP:
        log::info("signal {} ({}): reload", signal, sigabbrev_np(signal));
        reloads_.ask({});
        break;
      default:
        log::warning("signal {}: replacing the binary is not supported yet; nothing has changed", sigabbrev_np(signal));
    }
  }
}

void Master::reopen_logs(int signal) {
  const auto reopened = log::reopen();
  if (!reopened) log::error("the log stays where it is: {}", reopened.error().message());
  const bool all = access_logs_.reopen() && reopened;
  if (all) log::info("signal {} ({}): logs opened again", signal, sigabbrev_np(signal));
}

// In a loop, because deaths that come together share one SIGCHLD. Before dispatch(), so that a dead worker is never
// picked.
void Master::reap() {
  if (!std::exchange(child_died_, false)) return;
  while (true) {
    // Without reaping yet: as long as the process is a zombie, its number, and that of its group, are not given to
    // another.
    siginfo_t info{};
    if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) return;
    const pid_t pid = info.si_pid;

    const WorkerIndex::Entry dead = workers_.find_process(pid);
    // What the plugin has forked goes with its worker. A child that is no worker was inherited (we may be process 1 of
    // a container) and leads a life of its own.
    if (dead) ::kill(-pid, SIGKILL);
    int status = 0;
    ::waitpid(pid, &status, 0);
    if (dead) dead.pool->on_death(*dead.slot, status);
  }
}

void Master::receive() {
  for (const auto& event : events_) receive_on(event);
}

void Master::receive_on(const Poller::Event& event) {
  const auto [kind, index, serial] = event.token;
  switch (static_cast<Watch>(kind)) {
    case Watch::kSignals: return;
    case Watch::kListener: return doors_.accept_on(serial);
    case Watch::kControl: return control_.accept();
    case Watch::kControlClient: return control_.on_event({index, serial}, event.events);
    case Watch::kChannel:
    case Watch::kStandardOutput:
    case Watch::kStandardError: {
      const WorkerIndex::Entry worker = workers_.find(serial);
      if (!worker) return;
      if (static_cast<Watch>(kind) == Watch::kChannel) return worker.pool->on_channel(*worker.slot);
      const bool is_error = static_cast<Watch>(kind) == Watch::kStandardError;
      return worker.pool->on_output(*worker.slot, is_error ? ipc::Stream::kError : ipc::Stream::kOutput);
    }
    case Watch::kProbe: return reloads_.on_probe_readable(serial);
    case Watch::kLoader: return reloads_.on_loader_readable();
    case Watch::kConnection: {
      Connection* connection = connections_.find(index, serial);
      if (!connection || !connection->polled) return;
      if (connection->state == ConnectionState::kReceiving) return reception_.on_readable(*connection, event.events);
      return farewell_.on_readable(*connection);
    }
  }
}

void Master::on_deadline(Connection& connection) {
  switch (connection.state) {
    case ConnectionState::kReceiving: return reception_.on_deadline(connection);
    case ConnectionState::kQueued:
    case ConnectionState::kLent: return connection.app->on_deadline(connection);
    default: return farewell_.on_deadline(connection);
  }
}

void Master::dispatch() {
  for (const auto& app : apps_) {
    app->dispatch();
    if (app->is_stopping()) app->drain_when_idle();
  }
}

// What was asked before the server is ready waits until it is.
void Master::tend_reloads() {
  if (!announced_ || stopping_) return;
  reloads_.go_on();
  std::erase_if(apps_, [](const auto& app) { return app->is_gone(); });
}

void Master::tend_timers() {
  loop_.timers.run(Clock::now());
  if (connections_.heads().has_surplus() && !trim_.is_set()) trim_.set(loop_.timers, Clock::now() + kTrimPause);
}

// Once each app has shown whether it starts: says that the server is ready, or gives up.
void Master::announce() {
  const auto count = [&](AppState state) {
    return std::count_if(apps_.begin(), apps_.end(), [&](const auto& app) { return app->state() == state; });
  };
  if (count(AppState::kStarting) > 0) return;
  announced_ = true;
  const auto degraded = static_cast<std::size_t>(count(AppState::kDegraded));
  if (degraded == apps_.size() || (options_.strict && degraded > 0)) {
    failure_ = degraded == apps_.size() ? "no app could be started" : "an app could not be started (--strict)";
    failure_ += "; forklift check tells what is wrong";
    stop();
    return stop_at_once();
  }
  std::string line;
  std::vector<std::string_view> absent;
  for (const auto& app : apps_) {
    line += fmt::format("{}app \"{}\" on {}", line.empty() ? " " : "; ", app->name(),
                        fmt::join(doors_.addresses_of(*app), " "));
    if (app->state() == AppState::kDegraded) absent.push_back(app->name());
  }
  if (!absent.empty()) log::warning("answering 503 until they start: {}", fmt::join(absent, ", "));
  log::info("READY:{}", line);
  service_manager_.say_ready(describe_service(apps_));
  tend_reloads();  // no event may come that would bring their turn
}

std::string Master::status() {
  const std::string_view state = stopping_ ? "stopping" : announced_ ? "running" : "starting";
  return describe_status({.version = options_.version,
                          .since = since_,
                          .state = state,
                          .config = config_.file,
                          .last_reload = reloads_.last() ? finished_event(*reloads_.last()) : ""},
                         apps_, doors_, reloads_);
}

Result<void> Master::reload(std::optional<std::string> app, bool restart, ControlClientId client) {
  if (stopping_) return fail("the server stops");
  using Kind = Reloads::Request::Kind;
  reloads_.ask(
      {.kind = restart ? Kind::kRestart
               : app   ? Kind::kApp
                       : Kind::kAll,
       .app = app.value_or(""),
       .tell = [this, client](std::string_view name,
                              std::string_view text) { control_.tell(client, progress_event(name, text)); },
       .finish = [this, client](const ReloadResult& result) { control_.finish(client, finished_event(result)); }});
  return {};
}

void Master::stop() {
  if (std::exchange(stopping_, true)) return;
  reloads_.stop();
  service_manager_.say_stopping(failure_.empty() ? "finishing what was asked" : "could not start: " + failure_);
  for (const auto& app : apps_) app->stop(Clock::now() + app->config().timeouts.stop, KillReason::kStopTimeout);
  doors_.stop();
  connections_.for_each([this](Connection& connection) {
    if (connection.state == ConnectionState::kReceiving) {
      reception_.hasten(connection, connection.app->stop_deadline());
    }
  });
}

void Master::stop_at_once() {
  at_once_ = true;
  connections_.for_each([this](Connection& connection) {
    if (connection.state != ConnectionState::kQueued && connection.state != ConnectionState::kLent) {
      farewell_.close(connection);
    }
  });
  for (const auto& app : apps_) app->stop_at_once(KillReason::kStopAtOnce);
  reloads_.kill();
}

bool Master::finished() const {
  if (!stopping_ || (!at_once_ && connections_.size() > 0)) return false;
  return workers_.is_empty();
}

}  // namespace forklift::master
