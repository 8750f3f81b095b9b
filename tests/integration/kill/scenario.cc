#include "kill/scenario.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <csignal>
#include <exception>
#include <map>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "harness/processes.h"
#include "kill/death.h"

namespace harness {
namespace {

constexpr int kClients = 4;

// More than is lent along with a head of at most 8 KiB, so that the worker reads the rest from the connection.
constexpr std::uint64_t kBodyBytes = 60'000;
constexpr const char* kHeadLimit = "limits: {head: 8K}\n";

struct Dead {
  pid_t pid;
  Death death;
  std::string request;  // `with POST "/path"`
};

class Killer {
 public:
  Killer(const Site& site, int number) : site_(site), number_(number) {}

  void run(int times) {
    try {
      for (int i = 0; i < times && !testing::Test::HasFailure(); ++i) {
        for (const Death& death : all_deaths()) die(death);
      }
    } catch (const std::exception& e) {
      ADD_FAILURE() << "client " << number_ << ", path " << path_ << ": " << e.what();
    }
  }

  const std::vector<Dead>& dead() const { return dead_; }

 private:
  void die(const Death& death) {
    path_ = fmt::format("/{}/{}-{}", death.point_name(), number_, dead_.size());
    Site::Headers headers{{"X-Stop", std::string(death.point_name())}, {"X-Control", stop_point_.path()}};
    if (death.declares_length) headers.emplace_back("X-Length", "yes");

    Site::Asked asked = site_.ask(path_, headers, pattern_body(kBodyBytes));
    Stopped worker = stop_point_.wait();
    death.befall(worker, site_.server());
    const Response response = asked.response();
    EXPECT_TRUE(death.explains(response, site_.road())) << path_ << ": " << death << ": " << response;
    dead_.push_back({worker.pid(), death, fmt::format("with POST \"{}\"", site_.uri_of(path_))});

    path_ += "/next";
    const Response next = site_.ask(path_, {}, {}).response();
    const pid_t writer = writer_of_whole_page(next);
    EXPECT_TRUE(writer != 0 && writer != worker.pid()) << "after " << path_ << ": " << next;
  }

  const Site& site_;
  const int number_;
  StopPoint stop_point_;
  std::string path_;
  std::vector<Dead> dead_;
};

// Each death has exactly one line in the log: how, with which request, and what became of that.
void expect_obituaries(const std::string& log, const std::vector<Dead>& dead) {
  std::multimap<pid_t, std::string> lines;
  std::istringstream stream(log);
  constexpr std::string_view kWorker = "app \"app\" generation 1 worker ";
  for (std::string line; std::getline(stream, line);) {
    if (const auto at = line.find(kWorker); at != line.npos)
      lines.emplace(std::stoi(line.substr(at + kWorker.size())), line);
  }
  for (const Dead& worker : dead) {
    ASSERT_EQ(lines.count(worker.pid), 1u) << "lines about worker " << worker.pid;
    const std::string& line = lines.find(worker.pid)->second;
    for (const std::string_view part :
         {worker.death.obituary(), std::string_view(worker.request), worker.death.consequence()}) {
      EXPECT_NE(line.find(part), line.npos) << line << "\nshould say: " << part;
    }
  }
}

int count_in(std::string_view text, std::string_view part) {
  int count = 0;
  for (auto at = text.find(part); at != text.npos; at = text.find(part, at + part.size())) ++count;
  return count;
}

// An idle worker of a server that has no other.
pid_t only_worker(const Site& site) {
  pid_t worker = 0;
  const bool found = eventually([&] {
    const auto workers = children_of(site.server().pid());
    if (workers.size() != 1 || workers[0].state != 'S') return false;
    worker = workers[0].pid;
    return true;
  });
  if (!found) throw std::runtime_error("there is not one worker, or it is not idle");
  return worker;
}

// True if `worker` has died before it could take the request, and another one has answered it.
bool is_untaken(const Site& site, pid_t worker, int signal) {
  const auto state_is = [&](char state) {
    const auto process = find_process(worker);
    return process && process->state == state;
  };
  site.server().signal_worker(worker, SIGSTOP);
  if (!eventually([&] { return state_is('T'); })) return false;
  Site::Asked asked = site.ask("/untaken", {}, pattern_body(kBodyBytes));
  if (!eventually([&] { return descriptors_on_their_way_to(worker) == 1; })) return false;
  site.server().signal_worker(worker, signal);
  // It stays stopped until it is told to go on, and then dies before anything else; SIGKILL alone does not wait.
  if (signal != SIGKILL) site.server().signal_worker(worker, SIGCONT);
  const Response response = asked.response();
  const pid_t writer = writer_of_whole_page(response);
  EXPECT_TRUE(writer != 0 && writer != worker) << response;
  return writer != 0;
}

}  // namespace

void die_at_every_point(Road road, int times) {
  Site site(road, fmt::format("workers: {{min: {0}, max: {0}}}\n{1}", kClients, kHeadLimit));
  for (const Death& death : all_deaths()) {
    site.server().expect_error(fmt::format("{} with POST * since * s*{}", death.obituary(), death.consequence()));
  }

  std::vector<std::unique_ptr<Killer>> clients;
  std::vector<std::thread> threads;
  for (int i = 0; i < kClients; ++i) {
    clients.push_back(std::make_unique<Killer>(site, i));
    // What does not divide by four: the first clients take one round more.
    threads.emplace_back(
        [&client = *clients.back(), rounds = (times + kClients - 1 - i) / kClients] { client.run(rounds); });
  }
  for (std::thread& thread : threads) thread.join();

  EXPECT_TRUE(site.server().at_rest());
  const std::string log = site.server().log();
  for (const auto& client : clients) expect_obituaries(log, client->dead());
}

void die_before_take(Road road, int times) {
  Site site(road, fmt::format("workers: {{min: 1, max: 1}}\n{}", kHeadLimit));
  for (const char* death : {"9 (Killed)", "11 (Segmentation fault)", "6 (Aborted)"}) {
    site.server().expect_error(fmt::format("died of signal {} before it took the request", death));
  }
  for (int i = 0; i < times; ++i) {
    for (const int signal : {SIGKILL, SIGSEGV, SIGABRT}) ASSERT_TRUE(is_untaken(site, only_worker(site), signal));
  }
  EXPECT_TRUE(site.server().at_rest());
  EXPECT_EQ(count_in(site.server().log(), " before it took the request; its request goes to another worker\n"),
            3 * times);
}

}  // namespace harness
