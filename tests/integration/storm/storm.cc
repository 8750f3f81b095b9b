#include "storm/storm.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <iostream>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

#include "harness/faults.h"
#include "harness/freeze.h"
#include "harness/processes.h"
#include "harness/server.h"
#include "storm/ledger.h"
#include "storm/log_tail.h"

namespace harness {
namespace {

constexpr int kVisitors = 8;
constexpr const char* kWorkersOfTheStorm = "fl:storm";
constexpr const char* kGuest = "guest.sock";

// For so long nothing is accepted once accept4 has failed.
constexpr milliseconds kAcceptPause{500};

// A reload waits for timeouts.start, for busy workers of older generations, and for what is frozen or has no room.
constexpr seconds kReloadPatience{60};

App app(const std::string& name, const std::string& plugin, const std::string& more) {
  return {.name = name,
          .plugin = plugin,
          .listen = {"127.0.0.1:0", fmt::format("unix:{}.sock", name)},
          .more = fmt::format("access_log: {{file: access.log, format: '{}'}}\n", Ledger::kFormat) + more};
}

const char* name_of(Host host) {
  return host == Host::kStorm ? "storm" : "calm";
}

unsigned draw_seed() {
  const auto told = static_cast<unsigned>(GTEST_FLAG_GET(random_seed));
  const unsigned seed = told != 0 ? told : std::random_device()() % 99'999 + 1;
  std::cout << "--gtest_random_seed=" << seed << std::endl;
  return seed;
}

class Storm {
 public:
  explicit Storm(seconds length)
      : pace_(std::clamp<milliseconds>(length / 25, milliseconds(200), seconds(5))),
        over_(length),
        server_(apps(false)),
        faults_(server_) {}

  void run() {
    put_plugin();
    server_.start();
    std::vector<std::thread> threads;
    const auto add = [&](void (Storm::*part)(Random&)) {
      threads.emplace_back([this, part, number = threads.size()] { guarded(part, number); });
    };
    for (int i = 0; i < kVisitors; ++i) add(&Storm::visit_storm);
    add(&Storm::visit_calm);
    add(&Storm::strike_workers);
    add(&Storm::fail_the_machine);
    add(&Storm::rotate_logs);
    add(&Storm::reload);
    std::thread follower([this] { follow_the_log(); });
    for (std::thread& thread : threads) thread.join();
    settle();
    is_followed_ = false;
    follower.join();
    EXPECT_FALSE(no_worker_since_) << "the app has no worker to the end";
    judge();
  }

 private:
  using Random = std::mt19937;

  void guarded(void (Storm::*part)(Random&), std::size_t number) {
    std::seed_seq seeds{seed_, static_cast<unsigned>(number)};
    Random random(seeds);
    try {
      while (!over_.passed() && !failed_) (this->*part)(random);
    } catch (const std::exception& e) {
      failed_ = true;
      ADD_FAILURE() << e.what();
    }
  }

  // Longer in a longer storm. Whether it goes on.
  bool pause(Random& random, milliseconds least) {
    const milliseconds time = least + milliseconds(random() % (2 * least.count() + 1));
    return !eventually([&] { return over_.passed() || failed_; }, time, milliseconds(20));
  }

  // ---- clients ----

  Response make(const Visit& visit, Host host, const Endpoint& endpoint) {
    const std::uint32_t id = ledger_.next_id();
    const auto begin = StormTime::clock::now();
    const Response response = visit.make(endpoint, id);
    ledger_.enter(id, host, visit, response, begin, StormTime::clock::now());
    return response;
  }

  Response make(const Visit& visit, Host host, Random& random) {
    return make(visit, host, server_.listener(name_of(host), random() % 2));
  }

  void visit_storm(Random& random) {
    make(draw_visit(random()), Host::kStorm, random);
    std::this_thread::sleep_for(milliseconds(random() % 30));
  }

  void visit_calm(Random& random) {
    make(visit_named("page"), Host::kCalm, random);
    std::this_thread::sleep_for(milliseconds(20));
  }

  // ---- workers ----

  void strike_workers(Random& random) {
    constexpr int kSignals[] = {SIGKILL, SIGSEGV, SIGABRT, SIGSTOP, SIGTERM};
    strike(random, kSignals[random() % std::size(kSignals)]);
    reap_orphans();
    std::this_thread::sleep_for(milliseconds(random() % 800));
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

  // The children that a plugin has left behind die with their worker, and become ours.
  static void reap_orphans() {
    for (const Process& process : children_of(getpid())) {
      if (process.state == 'Z' && !Child::is_one(process.pid)) waitpid(process.pid, nullptr, WNOHANG);
    }
  }

  // ---- the machine ----

  // Each kind once before any of them comes again.
  void fail_the_machine(Random& random) {
    if (!pause(random, pace_)) return;
    if (faults_to_come_.empty()) {
      faults_to_come_ = {&Storm::fail_accept, &Storm::fail_fork,  &Storm::fail_sendmsg,
                         &Storm::fail_write,  &Storm::step_clock, &Storm::stop_the_master};
      std::ranges::shuffle(faults_to_come_, random);
    }
    const auto next = faults_to_come_.back();
    faults_to_come_.pop_back();
    (this->*next)(random);
  }

  void fail_accept(Random& random) {
    constexpr int kErrors[] = {EMFILE, ENFILE, ECONNABORTED};
    const int error = kErrors[random() % std::size(kErrors)];
    const auto begin = fail(SHIM_ACCEPT4, error, random);
    ledger_.enter_trouble(error == ECONNABORTED ? Trouble::kDelay : Trouble::kNoDescriptors, begin,
                          StormTime::clock::now() + kAcceptPause);
  }

  // Where no worker is left meanwhile, the log says so.
  void fail_fork(Random& random) {
    forks_have_failed_ = true;
    const auto begin = fail(SHIM_FORK, random() % 2 ? EAGAIN : ENOMEM, random);
    ledger_.enter_trouble(Trouble::kDelay, begin, StormTime::clock::now());
  }

  // For less than queue.age.
  void fail_sendmsg(Random& random) {
    const auto begin = fail(SHIM_SENDMSG, random() % 2 ? EAGAIN : ETOOMANYREFS, random);
    ledger_.enter_trouble(Trouble::kDelay, begin, StormTime::clock::now());
  }

  // Lines of the log are lost, so nobody may wait for one of them. Those of the access log wait.
  void fail_write(Random& random) {
    writes_have_failed_ = true;
    const std::lock_guard lock(waits_for_the_log_);
    const auto begin = fail(SHIM_WRITE, ENOSPC, random);
    ledger_.enter_trouble(Trouble::kNoLog, begin, StormTime::clock::now());
  }

  void step_clock(Random& random) {
    constexpr int kDay = 24 * 3600;
    note_fault("wall clock");
    faults_.step_clock(seconds(static_cast<int>(random() % (2 * kDay)) - kDay));
  }

  // For longer than timeouts.head and timeouts.request, sometimes. Nobody may get another answer than without it.
  void stop_the_master(Random& random) {
    note_fault("standstill");
    const auto begin = StormTime::clock::now();
    {
      const Freeze freeze(server_);
      std::this_thread::sleep_for(milliseconds(random() % 2000));
    }
    ledger_.enter_trouble(Trouble::kDelay, begin, StormTime::clock::now());
  }

  void note_fault(const char* name) { met_ += fmt::format(" {}", name); }

  // For a moment, and until a call has met it. Since when.
  StormTime fail(shim_call call, int error, Random& random) {
    const auto begin = StormTime::clock::now();
    const Deadline end(milliseconds(100 + random() % 1000));
    note_fault(strerrorname_np(error));
    faults_.fail(call, error, {.places = SHIM_MASTER});
    eventually([&] { return end.passed(); }, seconds(2));
    const auto is_met = [&] {
      if (faults_.failed(call) > 0) return true;
      make(visit_named("client leaves at once"), Host::kStorm, random);
      strike(random, SIGKILL);
      return false;
    };
    eventually(is_met, seconds(20));
    faults_.clear();
    return begin;
  }

  // ---- logs ----

  void rotate_logs(Random& random) {
    pause(random, 2 * pace_);
    const std::string file = server_.folder() / "access.log";
    const std::string old = fmt::format("{}.{}", file, rotations_++);
    std::filesystem::rename(file, old);
    server_.signal(SIGUSR1);
    if (!eventually([&] { return std::filesystem::exists(file); })) throw std::runtime_error("no new access log");
    // The master has opened the new file, and writes nothing more to the old one.
    access_log_ += read_file(old);
    std::filesystem::remove(old);
  }

  void follow_the_log() {
    LogTail tail(server_.folder() / "log");
    auto looked = StormTime::clock::now();
    std::string before;
    for (bool last = false; !last;) {
      last = !is_followed_;
      const auto look = StormTime::clock::now();
      for (std::string& line : tail.new_lines()) {
        read_line(line, before, looked);
        before = std::move(line);
      }
      looked = look;
      if (!last) std::this_thread::sleep_for(milliseconds(20));
    }
  }

  // `before` stands before it in the log; `looked`: it was not there yet.
  void read_line(const std::string& line, const std::string& before, StormTime looked) {
    const auto has = [](const std::string& text, std::string_view part) { return text.find(part) != text.npos; };
    if (const auto end = end_of_reload_in(line)) {
      const std::lock_guard lock(ends_mutex_);
      ends_.push_back(*end);
    } else if (has(line, " error   app \"storm\": degraded: ")) {
      no_worker_since_ = looked;
      const bool is_struck = has(before, "app \"storm\": generation ") || has(before, ") while idle");
      const bool is_lost = has(before, " log lines were dropped because");
      EXPECT_TRUE(is_struck || is_lost || has(before, "app \"storm\": a worker could not be started: fork: "))
          << before;
    } else if (no_worker_since_ && has(line, " info    app \"storm\": generation ") && has(line, " is running")) {
      ledger_.enter_trouble(Trouble::kNoWorker, *no_worker_since_, StormTime::clock::now());
      no_worker_since_.reset();
    }
  }

  // ---- reloads ----

  std::vector<App> apps(bool with_guest) const {
    std::vector<App> apps{app("storm", folder_ / "plugin.so",
                              "workers: {min: 4, max: 8, idle_timeout: 2s, max_requests: 100}\n"
                              "limits: {head: 8K, body: 64K}\n"
                              "timeouts: {head: 1s, body: 1s, write: 1s, request: 1s, start: 4s, stop: 3s}\n"),
                          app("calm", fixture_file("misbehaves_as_told"), "workers: {min: 1, max: 1}\n")};
    if (with_guest) apps[0].listen.push_back(fmt::format("unix:{}", kGuest));
    return apps;
  }

  void put_plugin() const {
    std::filesystem::copy_file(fixture_file("misbehaves_as_told"), folder_ / "new.so");
    std::filesystem::rename(folder_ / "new.so", folder_ / "plugin.so");
  }

  // How it ends.
  std::string reload_once() {
    const auto ends = [&] {
      const std::lock_guard lock(ends_mutex_);
      return ends_;
    };
    const std::lock_guard lock(waits_for_the_log_);
    const std::size_t before = ends().size();
    server_.signal(SIGHUP);
    const bool has_ended = eventually([&] { return ends().size() > before; }, kReloadPatience, milliseconds(20));
    if (!has_ended) throw std::runtime_error("a reload does not end");
    return ends().back();
  }

  // Now and then with a plugin that is none, or a file that is none: then what serves goes on.
  void reload(Random& random) {
    if (!pause(random, std::min(pace_, milliseconds(400)))) return;
    switch (random() % 6) {
      case 0:
        std::filesystem::remove(folder_ / "plugin.so");
        reload_once();
        put_plugin();
        break;
      case 1: {
        const std::string good = read_file(server_.config_file());
        server_.spoil_config("apps: 17\n");
        EXPECT_EQ(reload_once(), kNothingChanged);
        write_file(server_.config_file(), good);
        break;
      }
      case 2: have_a_guest(random); break;
      default: reload_once();
    }
  }

  // A listener that comes and goes. A reload that fails brings and takes nothing.
  void have_a_guest(Random& random) {
    const Endpoint guest = Endpoint::parse("unix:" + (server_.folder() / kGuest));
    server_.configure(apps(true));
    if (reload_once().ends_with(" 0 failed")) {
      for (int i = 0; i < 3; ++i) make(draw_visit(random()), Host::kStorm, guest);
    }
    server_.configure(apps(false));
    if (reload_once().ends_with(" 0 failed")) {
      EXPECT_FALSE(connect_to(guest));
    }
  }

  // ---- the end ----

  void settle() {
    const std::string end = server_.reload();
    EXPECT_TRUE(end.ends_with(" 0 failed")) << end;
    EXPECT_GT(server_.reloads().size(), 1u);
    EXPECT_FALSE(std::filesystem::exists(server_.folder() / kGuest));
    for (const Process& process : children_of(server_.pid())) signal_if_there(process.pid, SIGCONT);
    EXPECT_TRUE(server_.at_rest(seconds(30)));
    reap_orphans();
  }

  void judge() {
    const std::string log = server_.log();
    expect_what_came(log);
    access_log_ += read_file(server_.folder() / "access.log");
    ledger_.judge(access_log_, log);
    std::cout << ledger_.summary() << "\n" << met_ << std::endl;
  }

  // What may come in a storm, and has to be announced where it did.
  void expect_what_came(const std::string& log) {
    std::set<std::string> possible = {
        "app \"storm\": generation * failed at IMAGED: *plugin.so: ",
        "app \"storm\": generation * failed at *: worker * died of signal ",
        "app \"storm\": generation * failed at *: not reached within timeouts.start",
        "app \"storm\": generation *: a worker has died while idle; ",
        "app \"storm\": degraded: no worker lives and ",
        "server.yaml:1:7: apps: must be a list",
        "reload: nothing has changed",
        "\" answered 500: produce returned 1",
        "\" answered 500: an exception left produce: as told",
        "\" aborted: the client has taken nothing of the response for timeouts.write",
    };
    const std::string worker = "app \"storm\" generation * worker *: ";
    for (const char* how : {"died of signal *", "killed by timeouts.request", "exited with status 3"}) {
      for (const char* fate :
           {"answered 502", "answered 504", "part of the response was sent, so", "the response was"}) {
        possible.insert(fmt::format("{}{} with * \"/* since * s; {}", worker, how, fate));
      }
    }
    for (const char* how : {"died of signal *", "killed by timeouts.request"}) {
      for (const char* fate : {"its request goes to another worker", "answered 502", "answered 504"}) {
        possible.insert(fmt::format("{}{} before it took the request; {}", worker, how, fate));
      }
    }
    for (const char* how : {"died of signal *", "was told to leave, and killed after timeouts.stop"}) {
      possible.insert(fmt::format("{}{} while idle", worker, how));
    }
    if (forks_have_failed_) {
      for (const char* who : {"app \"storm\"", "app \"calm\""}) {
        possible.insert(fmt::format("{}: a worker could not be started: fork: ", who));
      }
      possible.insert("reload: fork: ");
    }
    if (writes_have_failed_) possible.insert("access log *: No space left on device; up to ");

    for (const std::string& pattern : possible) {
      ExpectedErrors expected;
      expected.add(pattern);
      const auto surprises = expected.surprises(log);
      const bool came = std::ranges::none_of(
          surprises, [](const std::string& surprise) { return surprise.starts_with("expected and not there"); });
      if (came) server_.expect_error(pattern);
    }
  }

  const unsigned seed_ = draw_seed();
  const milliseconds pace_;
  const Deadline over_;
  std::atomic<bool> failed_ = false;
  const TempDir folder_;
  Server server_;
  Faults faults_;
  Ledger ledger_;

  // Of the thread that fails the machine, and then of the end.
  std::vector<void (Storm::*)(Random&)> faults_to_come_;
  bool forks_have_failed_ = false;
  bool writes_have_failed_ = false;
  std::string met_ = "the machine:";

  int rotations_ = 0;
  std::string access_log_;  // what was rotated away; by the thread that does it, and then by the end

  std::atomic<bool> is_followed_ = true;
  std::optional<StormTime> no_worker_since_;  // by the thread that follows the log, and then by the end
  std::mutex waits_for_the_log_;
  std::mutex ends_mutex_;
  std::vector<std::string> ends_;  // of reloads
};

}  // namespace

void weather_a_storm(seconds length) {
  Storm(length).run();
}

}  // namespace harness
