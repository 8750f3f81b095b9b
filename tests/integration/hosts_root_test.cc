// Two servers on two hosts behind one nginx: each may leave and come back, and no request is lost that may be repeated.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <sstream>
#include <thread>
#include <vector>

#include "harness/front.h"
#include "harness/hosts.h"
#include "harness/http_request.h"
#include "harness/processes.h"
#include "harness/serve.h"
#include "harness/server.h"
#include "harness/site.h"
#include "harness/stop_point.h"

namespace harness {
namespace {

constexpr int kHosts = 2;
constexpr int kClients = 8;
constexpr std::uint16_t kAppPort = 4000;
constexpr std::uint16_t kAilingPort = 4001;
constexpr std::uint16_t kStopsPort = 4002;

// Larger than what nginx and the sockets hold: a server that leaves meets pages that are on their way.
constexpr std::size_t kDots = 1'000'000;

// A request that waits for a worker of the one host that is left, on a busy machine.
constexpr milliseconds kBusyPatience = seconds(30);

// A server on a host of its own, which may be started again and again from the same file.
class HostedServer {
 public:
  explicit HostedServer(int host)
      : config_({{.name = "app",
                  .plugin = fixture_file("records_each_run"),
                  .listen = {fmt::format("{}:{}", Hosts::address(host), kAppPort)},
                  .more = fmt::format("settings: {{file: {}, bytes: {}}}\n", folder_ / "runs", kDots)},
                 {.name = "ailing",
                  .plugin = fixture_file("create_refuses_while_told"),
                  .listen = {fmt::format("{}:{}", Hosts::address(host), kAilingPort)},
                  .more = fmt::format("settings: {{file: {}}}\n", folder_ / "refuse")},
                 {.name = "stops",
                  .plugin = fixture_file("stops_where_told"),
                  .listen = {fmt::format("{}:{}", Hosts::address(host), kStopsPort)}}}) {
    config_.write_config();
  }

  // Before start(): the app `ailing` will have no worker.
  void fall_ill() {
    write_file(folder_ / "refuse", "");
    errors_ = {"app \"ailing\": generation * failed at CREATED: *", "app \"ailing\": degraded: "};
  }

  void start(std::vector<std::string> under) {
    output_ = folder_ / fmt::format("log.{}", ++starts_);
    serve_.emplace(Serve::Options{.file = config_.config_file(), .output = output_, .under = std::move(under)});
    for (const std::string& error : errors_) serve_->expect_error(error);
    ASSERT_TRUE(serve_->ready()) << serve_->output();
  }

  void end(int signal) {
    EXPECT_TRUE(serve_->child().signal(signal));
    EXPECT_EQ(serve_->child().wait(kBusyPatience),
              signal == SIGKILL ? ExitStatus::killed(signal) : ExitStatus::exited(0))
        << serve_->output();
  }

  pid_t master() { return serve_->child().pid(); }
  bool is_there() { return serve_ && serve_->child().running(); }

  // `METHOD URI` of each run of the plugin, over all starts.
  std::vector<std::string> runs() const {
    std::vector<std::string> lines;
    if (!std::filesystem::exists(folder_ / "runs")) return lines;
    std::istringstream text(read_file(folder_ / "runs"));
    for (std::string line; std::getline(text, line);) lines.push_back(line);
    return lines;
  }

  // Waits until it has answered some requests more.
  bool serves() const {
    const std::size_t before = runs().size();
    return eventually([&] { return runs().size() >= before + 2 * kClients; }, kBusyPatience);
  }

 private:
  TempDir folder_;
  Server config_;
  std::string output_;
  int starts_ = 0;
  std::vector<std::string> errors_;  // of each start
  std::optional<Serve> serve_;
};

// Clients that ask one thing after another, every fourth time by POST, until they are told that it is enough.
class Load {
 public:
  struct Asked {
    std::string line;  // as the plugin records it
    Outcome outcome;
    int status;
    bool whole;
  };

  explicit Load(const Endpoint& endpoint) : endpoint_(endpoint) {
    for (int i = 0; i < kClients; ++i) threads_.emplace_back([this] { ask_on(); });
  }
  ~Load() { end(); }

  const std::vector<Asked>& end() {
    over_ = true;
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
    return asked_;
  }

 private:
  void ask_on() {
    while (!over_) {
      const int id = ++ids_;
      const std::string uri = fmt::format("/app/{}", id);
      const HttpRequest request = id % 4 == 0 ? HttpRequest::post(uri, text_body("once")) : HttpRequest::get(uri);
      const Response response = fetch(endpoint_, request, kBusyPatience);
      const bool whole =
          response.complete(200) && response.body.size() == kDots + 4 && response.body.ends_with("end\n");
      const std::lock_guard lock(mutex_);
      asked_.push_back({request.method() + " " + uri, response.outcome, response.status, whole});
    }
  }

  const Endpoint endpoint_;
  std::atomic<bool> over_ = false;
  std::atomic<int> ids_ = 0;
  std::mutex mutex_;
  std::vector<Asked> asked_;
  std::vector<std::thread> threads_;
};

class TwoHosts : public testing::Test {
 protected:
  void start_all() {
    Upstreams upstreams;
    for (int i = 0; i < kHosts; ++i) {
      start(i);
      for (const auto& [app, port] : {std::pair("app", kAppPort), {"ailing", kAilingPort}, {"stops", kStopsPort}}) {
        upstreams.emplace_back(app, Endpoint{.host = Hosts::address(i), .port = port, .path = {}});
      }
    }
    nginx_.start(upstreams);
  }

  void TearDown() override {
    for (HostedServer& server : servers_) {
      if (server.is_there()) server.end(SIGTERM);
    }
    if (HasFailure()) fmt::print("---- nginx's log ----\n{}---------------------\n", nginx_.log());
  }

  void start(int host) { servers_.at(static_cast<std::size_t>(host)).start(hosts_.on(host)); }

  void judge(const std::vector<Load::Asked>& all) const {
    std::map<std::string, int> runs;
    for (const HostedServer& server : servers_) {
      for (const std::string& line : server.runs()) ++runs[line];
    }
    for (const Load::Asked& asked : all) {
      const int times = runs[asked.line];
      if (asked.line.starts_with("GET")) {
        EXPECT_TRUE(asked.whole) << asked.line << ": " << asked.outcome << " " << asked.status;
      } else {
        // Who may not repeat it can only say that it got no answer.
        EXPECT_TRUE(asked.whole || (asked.outcome == Outcome::kComplete && asked.status == 502))
            << asked.line << ": " << asked.outcome << " " << asked.status;
        EXPECT_LE(times, 1) << asked.line;
      }
      EXPECT_TRUE(!asked.whole || times >= 1) << asked.line << " was answered, and by none of them";
    }
  }

  Hosts hosts_{kHosts};
  std::array<HostedServer, kHosts> servers_{HostedServer(0), HostedServer(1)};
  Front nginx_{FrontKind::kNginx};
};

class LeavingHost : public TwoHosts, public testing::WithParamInterface<int> {};

TEST_P(LeavingHost, LosesNoRequestThatMayBeRepeated) {
  start_all();
  Load load(nginx_.endpoint());
  for (int round = 0; round < 3; ++round) {
    for (int host = 0; host < kHosts; ++host) {
      HostedServer& leaving = servers_.at(static_cast<std::size_t>(host));
      const HostedServer& staying = servers_.at(static_cast<std::size_t>(1 - host));
      ASSERT_TRUE(leaving.serves());
      leaving.end(GetParam());
      ASSERT_TRUE(staying.serves());
      start(host);
    }
  }
  judge(load.end());
  EXPECT_THAT(nginx_.log(), testing::HasSubstr("Connection refused")) << "nginx has asked the one that was not there";
}

INSTANTIATE_TEST_SUITE_P(By, LeavingHost, testing::Values(SIGTERM, SIGKILL),
                         [](const auto& test) { return sigabbrev_np(test.param); });

// A request that the plugin of one host has begun with when that host dies, with its worker.
class DeadHost : public TwoHosts {
 protected:
  Connection ask(const HttpRequest& request) {
    Connection connection = Connection::to(nginx_.endpoint());
    HttpRequest stopping = request;
    stopping.add("X-Stop", "before").add("X-Control", stop_point_.path());
    EXPECT_TRUE(connection.send(stopping.head()));
    return connection;
  }

  HostedServer& host_of(const Stopped& worker) {
    const auto process = find_process(worker.pid());
    for (HostedServer& server : servers_) {
      if (process && server.is_there() && server.master() == process->parent) return server;
    }
    throw std::runtime_error("it is a worker of none of them");
  }

  // Waits until a worker has begun with the request.
  void kill_host() {
    Stopped worker = stop_point_.wait();
    host_of(worker).end(SIGKILL);
    worker.call_exit();
  }

  StopPoint stop_point_;
};

TEST_F(DeadHost, HasItsRequestsRepeatedByTheOther) {
  start_all();
  const HttpRequest request = HttpRequest::get("/stops");
  Connection connection = ask(request);
  kill_host();
  Stopped second = stop_point_.wait();
  EXPECT_TRUE(host_of(second).is_there());
  second.go_on();
  EXPECT_EQ(writer_of_whole_page(connection.receive(request.reader())), second.pid());
}

TEST_F(DeadHost, HasNoRequestRepeatedThatMayNotBe) {
  start_all();
  const HttpRequest request = HttpRequest::post("/stops", Body{});
  Connection connection = ask(request);
  kill_host();
  // The other one would stop, and no answer would come.
  const Response response = connection.receive(request.reader());
  EXPECT_TRUE(response.complete(502)) << response;
}

TEST_F(TwoHosts, AnswerForEachOtherWhereOneHasNoWorker) {
  servers_[0].fall_ill();
  start_all();
  for (int i = 0; i < 20; ++i) {
    const Response response = fetch(nginx_.endpoint(), HttpRequest::get("/ailing"));
    EXPECT_TRUE(response.complete(200)) << response;
  }
}

}  // namespace
}  // namespace harness
