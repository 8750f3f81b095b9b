#include "storm/storm.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <iostream>
#include <random>
#include <sstream>
#include <stdexcept>
#include <thread>
#include <vector>

#include "harness/faults.h"
#include "harness/freeze.h"
#include "harness/processes.h"
#include "harness/server.h"
#include "storm/ledger.h"

namespace harness {
namespace {

constexpr int kVisitors = 8;
constexpr const char* kWorkersOfTheStorm = "fl:storm";

// The pauses of a failing app are 5 s at most; within them, and while it then starts, it may have no worker.
constexpr seconds kAftermath{7};

App app(const std::string& name, const std::string& plugin, const std::string& more) {
  return {.name = name,
          .plugin = plugin,
          .listen = {"127.0.0.1:0", fmt::format("unix:{}.sock", name)},
          .more = fmt::format("access_log: {{file: access.log, format: '{}'}}\n", Ledger::kFormat) + more};
}

class Storm {
 public:
  explicit Storm(seconds length)
      : over_(length),
        server_({app("storm", put_plugin(),
                     "workers: {min: 4, max: 8, idle_timeout: 2s, max_requests: 100}\n"
                     "limits: {head: 8K, body: 64K}\n"
                     "timeouts: {head: 1s, body: 1s, write: 1s, request: 1s, stop: 3s}\n"),
                 app("calm", fixture_file("misbehaves_as_told"), "workers: {min: 1, max: 1}\n")}),
        faults_(server_) {}

  void run() {
    server_.start();
    std::vector<std::thread> threads;
    for (int i = 0; i < kVisitors; ++i) threads.emplace_back([this, i] { guarded(&Storm::visit_storm, i); });
    threads.emplace_back([this] { guarded(&Storm::visit_calm, kVisitors); });
    threads.emplace_back([this] { guarded(&Storm::strike_workers, kVisitors + 1); });
    threads.emplace_back([this] { guarded(&Storm::fail_the_machine, kVisitors + 2); });
    threads.emplace_back([this] { guarded(&Storm::rotate_logs, kVisitors + 3); });
    threads.emplace_back([this] { guarded(&Storm::reload, kVisitors + 4); });
    for (std::thread& thread : threads) thread.join();
    settle();
  }

 private:
  using Random = std::mt19937;

  void guarded(void (Storm::*part)(Random&), int seed) {
    Random random(static_cast<Random::result_type>(seed));
    try {
      while (!over_.passed() && !failed_) (this->*part)(random);
    } catch (const std::exception& e) {
      failed_ = true;
      ADD_FAILURE() << e.what();
    }
  }

  static void pause(milliseconds time) { std::this_thread::sleep_for(time); }

  void make(const Visit& visit, const std::string& app, Random& random) {
    const std::uint32_t id = ledger_.next_id();
    const auto begin = StormTime::clock::now();
    const Response response = visit.make(server_.listener(app, random() % 2), id);
    ledger_.enter(id, visit, response, begin, StormTime::clock::now());
  }

  void visit_storm(Random& random) {
    make(draw_visit(random()), "storm", random);
    pause(milliseconds(random() % 30));
  }

  void visit_calm(Random& random) {
    make(all_visits()[0], "calm", random);
    pause(milliseconds(20));
  }

  void strike_workers(Random& random) {
    constexpr int kSignals[] = {SIGKILL, SIGSEGV, SIGABRT, SIGSTOP, SIGTERM};
    strike(random, kSignals[random() % std::size(kSignals)]);
    pause(milliseconds(random() % 800));
  }

  void strike(Random& random, int signal) {
    std::vector<Process> workers = children_of(server_.pid());
    std::erase_if(workers, [](const Process& process) { return process.name != kWorkersOfTheStorm; });
    if (workers.empty()) return;
    signal_if_there(workers[random() % workers.size()].pid, signal);
  }

  void signal_if_there(pid_t worker, int signal) {
    try {
      server_.signal_worker(worker, signal);
    } catch (const std::exception&) {
      // It has died meanwhile.
    }
  }

  void fail_the_machine(Random& random) {
    random() % 4 == 0 ? stop_the_master(random) : fail_a_call(random);
    eventually([&] { return over_.passed(); }, seconds(5 + static_cast<int>(random() % 10)), milliseconds(50));
  }

  // For longer than timeouts.head and timeouts.request, sometimes. Nobody may get another answer than without it.
  void stop_the_master(Random& random) {
    const Freeze freeze(server_);
    pause(milliseconds(random() % 2000));
  }

  void fail_a_call(Random& random) {
    constexpr std::pair<shim_call, int> kFailures[] = {
        {SHIM_ACCEPT4, EMFILE}, {SHIM_ACCEPT4, ENFILE}, {SHIM_ACCEPT4, ECONNABORTED}, {SHIM_FORK, EAGAIN},
        {SHIM_FORK, ENOMEM},    {SHIM_SENDMSG, EAGAIN}, {SHIM_SENDMSG, ETOOMANYREFS},
    };
    const auto& [call, error] = kFailures[random() % std::size(kFailures)];
    const auto begin = StormTime::clock::now();
    const Deadline end(milliseconds(100 + random() % 1000));
    faults_.fail(call, error, {.places = SHIM_MASTER});
    // Forks are rare: what is set must be met.
    eventually([&] { return end.passed() && faults_.failed(call) > 0; }, seconds(20));
    faults_.clear();
    ledger_.enter_outage(begin, StormTime::clock::now() + kAftermath);
  }

  void rotate_logs(Random&) {
    eventually([&] { return over_.passed(); }, seconds(20), milliseconds(50));
    const std::string file = server_.folder() / "access.log";
    const std::string old = fmt::format("{}.{}", file, rotations_++);
    std::filesystem::rename(file, old);
    server_.signal(SIGUSR1);
    if (!eventually([&] { return std::filesystem::exists(file); })) throw std::runtime_error("no new access log");
    // The master has opened the new file, and writes nothing more to the old one.
    access_log_ += read_file(old);
    std::filesystem::remove(old);
  }

  // By rename; the path of the plugin.
  std::string put_plugin() const {
    std::filesystem::copy_file(fixture_file("misbehaves_as_told"), folder_ / "new.so");
    std::filesystem::rename(folder_ / "new.so", folder_ / "plugin.so");
    return folder_ / "plugin.so";
  }

  // Now and then with a plugin that is none, or a file that is none: then what serves goes on.
  void reload(Random& random) {
    const std::string good = read_file(server_.config_file());
    const unsigned kind = random() % 6;
    if (kind == 0) std::filesystem::remove(folder_ / "plugin.so");
    if (kind == 1) server_.spoil_config("apps: 17\n");
    const std::size_t before = server_.reloads().size();
    server_.signal(SIGHUP);
    // One that waits for busy workers of older generations takes its time.
    eventually([&] { return server_.reloads().size() > before; }, seconds(20), milliseconds(20));
    if (kind == 0) put_plugin();
    if (kind == 1) write_file(server_.config_file(), good);
    eventually([&] { return over_.passed(); }, milliseconds(200 + random() % 1500), milliseconds(50));
  }

  void settle() {
    const std::string end = server_.reload();
    EXPECT_TRUE(end.ends_with(" 0 failed")) << end;
    EXPECT_GT(server_.reloads().size(), 2u);
    for (const Process& process : children_of(server_.pid())) signal_if_there(process.pid, SIGCONT);
    EXPECT_TRUE(server_.at_rest(seconds(30)));
    const std::string log = server_.log();
    expect_what_came(log);
    access_log_ += read_file(server_.folder() / "access.log");
    ledger_.judge(access_log_, log);
    std::cout << ledger_.summary() << std::endl;
  }

  // What may come in a storm, and has to be announced where it did.
  void expect_what_came(const std::string& log) {
    constexpr const char* kPossible[] = {
        "app \"storm\" generation ",
        "app \"storm\": generation ",
        "app \"calm\": generation ",
        "app \"storm\": a worker could not be started: fork: ",
        "app \"calm\": a worker could not be started: fork: ",
        "reload: fork: ",
        "server.yaml:1:7: apps: must be a list",
        "reload: nothing has changed",
        "app \"storm\": degraded: ",
        "answered 500: produce returned ",
        "aborted: the client has taken nothing of the response for timeouts.write",
    };
    std::string errors;
    std::istringstream lines(log);
    for (std::string line; std::getline(lines, line);) {
      if (line.find(" error ") != line.npos) errors += line + "\n";
    }
    for (const char* text : kPossible) {
      if (errors.find(text) != errors.npos) server_.expect_error(text);
    }
  }

  const Deadline over_;
  std::atomic<bool> failed_ = false;
  const TempDir folder_;
  Server server_;
  Faults faults_;
  Ledger ledger_;
  int rotations_ = 0;
  std::string access_log_;  // what was rotated away; by the thread that does it, and then by settle()
};

}  // namespace

void weather_a_storm(seconds length) {
  Storm(length).run();
}

}  // namespace harness
