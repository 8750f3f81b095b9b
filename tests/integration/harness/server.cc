#include "harness/server.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <stdexcept>

#include "config/reader.h"
#include "harness/processes.h"

namespace harness {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kReady = "READY: ";

// READY comes after all workers of `min` are: a few forks, but sanitizers and a busy machine make them slow.
constexpr milliseconds kStartPatience = seconds(30);

std::string indented(std::string_view text, std::string_view indent) {
  std::string result;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    result += fmt::format("{}{}\n", indent, text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return result;
}

std::string with_defaults(const char* variable, std::string_view more) {
  const char* own = std::getenv(variable);
  return fmt::format("{}={}{}{}", variable, own == nullptr ? "" : own, own == nullptr ? "" : ":", more);
}

}  // namespace

std::map<std::string, std::vector<Endpoint>> parse_ready(std::string_view message) {
  constexpr std::string_view kStart = "READY: ";
  constexpr std::string_view kApp = "app \"";
  constexpr std::string_view kOn = "\" on ";
  const auto wrong = [&] { return std::runtime_error(fmt::format("not a READY line: {}", message)); };
  std::map<std::string, std::vector<Endpoint>> listeners;
  std::string_view rest = message;
  if (!rest.starts_with(kStart)) throw wrong();
  rest.remove_prefix(kStart.size());
  while (!rest.empty()) {
    const auto end = rest.find("; app \"");
    std::string_view part = rest.substr(0, end);
    rest.remove_prefix(end == rest.npos ? rest.size() : end + 2);
    const auto on = part.find(kOn);
    if (!part.starts_with(kApp) || on == part.npos) throw wrong();
    auto& endpoints = listeners[std::string(part.substr(kApp.size(), on - kApp.size()))];
    part.remove_prefix(on + kOn.size());
    while (!part.empty()) {
      const auto space = std::min(part.find(' '), part.size());
      endpoints.push_back(Endpoint::parse(part.substr(0, space)));
      part.remove_prefix(std::min(space + 1, part.size()));
    }
  }
  return listeners;
}

Server::Server(std::vector<App> apps, std::string more) : apps_(std::move(apps)), more_(std::move(more)) {}

Server::~Server() {
  if (child_.running()) {
    EXPECT_EQ(stop(), ExitStatus::exited(0));
  } else if (pid() != 0) {
    check_for_remains();
  }
  const bool has_served = is_ready() || child_.wait(milliseconds(0)) == ExitStatus::exited(0);
  if (has_served && !was_looked_at_ && skipped_because_.empty() && !testing::Test::HasFailure()) {
    ADD_FAILURE() << "the server has ended without being looked at: end it with stop(), behind launch() call "
                     "remember_rest(), or say why not in skip_rest()";
  }
  EXPECT_THAT(expected_errors_.surprises(log()), testing::IsEmpty());
  check_for_sanitizer_reports();
  if (testing::Test::HasFailure() && pid() != 0) {
    fmt::print("---- the server's log ----\n{}--------------------------\n", log());
  }
}

void Server::launch(const std::vector<std::string>& options) {
  write_config();
  // Orphans of the server become our children, and are found by stop().
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  // Fixtures crash on purpose: the sanitizers must not turn their signals into exits. Their reports go to files, since
  // a worker's standard error need not lead anywhere.
  const std::string reports = "log_path=" + folder_ / "sanitizer";
  // A preloaded library comes before theirs, which they would refuse.
  std::vector<std::string> environment{
      with_defaults("ASAN_OPTIONS", reports + ":verify_asan_link_order=0:handle_segv=0:handle_sigbus=0:handle_abort=0:"
                                              "handle_sigfpe=0:handle_sigill=0"),
      with_defaults("UBSAN_OPTIONS", reports)};
  if (!preloaded_.empty()) environment.push_back(fmt::format("LD_PRELOAD={}", fmt::join(preloaded_, ":")));
  environment.insert(environment.end(), environment_.begin(), environment_.end());
  std::vector<std::string> command = words_before_;
  command.insert(command.end(), {binary_, "serve", config_file()});
  command.insert(command.end(), options.begin(), options.end());
  child_.start({.command = command, .environment = environment, .output = folder_ / "log", .descriptors = passed_});
}

void Server::start() {
  launch();
  eventually([&] { return is_ready() || !child_.running(); }, kStartPatience);
  const std::string text = log();
  const auto message = text.find(kReady);
  if (message == text.npos) {
    throw std::runtime_error(fmt::format("the server did not become READY ({}). Its log:\n{}",
                                         testing::PrintToString(child_.wait(milliseconds(0))), text));
  }
  listeners_ = parse_ready(std::string_view(text).substr(message, text.find('\n', message) - message));
  remember_rest();
}

// As the file says now: a test may have changed it for a reload. One that cannot be read is not what the server runs.
Pools Server::pools() {
  if (const auto config = forklift::config::read_file(config_file())) {
    configured_workers_.clear();
    for (const auto& app : config->apps) configured_workers_[app.name] = {app.workers.min, app.workers.max};
  }
  Pools result = expected_workers_;
  result.insert(configured_workers_.begin(), configured_workers_.end());
  return result;
}

void Server::remember_rest() {
  leftovers_.emplace(pid(), pools());
}

testing::AssertionResult Server::at_rest(milliseconds patience) {
  return leftovers_.value().none(pools(), patience);
}

void Server::check_rest() {
  // A test that has failed may have left anything.
  if (leftovers_ && skipped_because_.empty() && !testing::Test::HasFailure()) {
    EXPECT_TRUE(at_rest());
    was_looked_at_ = true;
  }
  leftovers_.reset();
}

ExitStatus Server::stop(int signal_number, milliseconds patience) {
  check_rest();
  signal(signal_number);
  const ExitStatus status = child_.wait(patience);
  if (status.kind == ExitStatus::Kind::kStillRunning) {
    ADD_FAILURE() << "the server still runs " << patience.count() << " ms after signal " << signal_number;
    signal(SIGKILL);
    child_.wait(kPatience);
  }
  check_for_remains();
  return status;
}

const Endpoint& Server::listener(const std::string& app, std::size_t index) const {
  return listeners_.at(app).at(index);
}

void Server::signal_worker(pid_t worker, int number) const {
  const auto process = find_process(worker);
  if (!process || worker <= 1 || process->parent != pid()) {
    throw std::logic_error(fmt::format("{} is not a worker of this server", worker));
  }
  kill(worker, number);
}

bool Server::is_ready() const {
  return log().find(kReady) != std::string::npos;
}

std::string Server::log() const {
  return fs::exists(folder_ / "log") ? read_file(folder_ / "log") : "";
}

void Server::configure(std::vector<App> apps) {
  apps_ = std::move(apps);
  write_config();
}

std::vector<std::string> Server::reloads() const {
  std::vector<std::string> ends;
  std::istringstream lines(log());
  for (std::string line; std::getline(lines, line);) {
    constexpr std::string_view kEnd = " reload: ";
    const auto at = line.find(kEnd);
    if (at == line.npos) continue;
    std::string text = line.substr(at + kEnd.size());
    if (text == "nothing has changed" || text.find(" reloaded, ") != text.npos) ends.push_back(std::move(text));
  }
  return ends;
}

std::string Server::reload(milliseconds patience) {
  const std::size_t before = reloads().size();
  signal(SIGHUP);
  if (!eventually([&] { return reloads().size() > before; }, patience)) return "no end";
  return reloads().back();
}

bool Server::wait_for_log(std::string_view text, milliseconds patience) const {
  return eventually([&] { return log().find(text) != std::string::npos; }, patience);
}

std::string Server::yaml() const {
  std::string text = fmt::format("runtime_dir: run\n{}apps:\n", more_);
  for (const App& app : apps_) {
    text += fmt::format("  - name: {}\n    plugin: {}\n    listen:\n", app.name, app.plugin);
    for (const std::string& listen : app.listen) {
      text += "      - " + (listen.starts_with('{') ? listen : fmt::format("\"{}\"", listen)) + "\n";
    }
    // A server that runs as root wants to be told as whom its workers are to run.
    if (geteuid() == 0 && app.more.find("user:") == app.more.npos) text += "    user: root\n";
    text += indented(app.more, "    ");
  }
  return text;
}

void Server::check_for_remains() const {
  const auto orphans = [] {
    std::vector<Process> result;
    for (const Process& process : children_of(getpid())) {
      if (Child::is_one(process.pid)) continue;
      // An orphan that has ended is our zombie now, and not the server's.
      if (process.state == 'Z' && waitpid(process.pid, nullptr, WNOHANG) == process.pid) continue;
      result.push_back(process);
    }
    return result;
  };
  eventually([&] { return orphans().empty(); });
  for (const Process& process : orphans()) {
    ADD_FAILURE() << "process " << process.pid << " (" << process.name << ") has outlived the server";
    if (signal_own_child(process.pid, SIGKILL)) wait_until_gone(process.pid);
  }
  for (const auto& [app, endpoints] : listeners_) {
    for (const Endpoint& endpoint : endpoints) {
      EXPECT_FALSE(endpoint.is_unix() && fs::exists(endpoint.path)) << endpoint.path << " was left behind";
    }
  }
  if (fs::exists(folder_ / "run")) {
    for (const auto& entry : fs::recursive_directory_iterator(folder_ / "run")) {
      ADD_FAILURE() << entry.path() << " was left behind";
    }
  }
}

void Server::check_for_sanitizer_reports() const {
  for (const auto& entry : fs::directory_iterator(folder_.path())) {
    if (entry.path().filename().string().starts_with("sanitizer")) {
      ADD_FAILURE() << read_file(entry.path());
    }
  }
}

}  // namespace harness
