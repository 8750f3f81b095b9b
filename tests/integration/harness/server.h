// The server under test: the real binary, with a configuration and a folder of its own.
//
// What no server may do is looked for in each test, without its asking: an error in the log that the test has not
// announced, and anything left behind: before the stop in the server (see leftovers.h), after it of the server.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "harness/child.h"
#include "harness/endpoint.h"
#include "harness/expected_errors.h"
#include "harness/files.h"
#include "harness/leftovers.h"
#include "harness/waiting.h"

namespace harness {

// An entry of `apps:`.
struct App {
  std::string name;
  std::string plugin;                              // a path; see plugin_file() and fixture_file()
  std::vector<std::string> listen{"127.0.0.1:0"};  // as in YAML, also maps; `unix:NAME` is in the server's folder
  std::string more{};                              // further keys, one a line: "workers: {min: 1, max: 1}\n"
};

// Ends of a reload that finds one app changed, or none.
inline constexpr const char* kOneReloaded = "1 app reloaded, 0 added, 0 removed, 0 failed";
inline constexpr const char* kOneFailed = "0 apps reloaded, 0 added, 0 removed, 1 failed";
inline constexpr const char* kNothingChanged = "nothing has changed";

class Server {
 public:
  // `more` are further keys of the configuration. Nothing happens before start().
  explicit Server(std::vector<App> apps, std::string more = {});

  // stop(), if it still runs; fails the test if that doesn't go as it should, if a process of the server is left, if
  // nobody has looked at it before its end although it was READY or ends as if it had been, and if the errors in its
  // log are not those that were announced.
  ~Server();

  // NAME=VALUE, for the server's environment. Before start().
  void add_environment(std::string variable) { environment_.push_back(std::move(variable)); }
  // A library of tests/shim, for LD_PRELOAD. Before start().
  void preload(std::string_view shim) { preloaded_.push_back(shim_file(shim)); }

  // Runs the server's command behind these words, as env(1), setpriv(1) and their kin take it. Before start().
  void run_with(std::vector<std::string> words) { words_before_ = std::move(words); }
  // Runs another binary than the one of this build. Before start().
  void run_binary(std::string path) { binary_ = std::move(path); }
  // A descriptor that the server is started with, as service managers do it: the first one is its 3, and so on. Stays
  // the caller's. Before start().
  void pass(int descriptor) { passed_.push_back(descriptor); }

  // Announces lines of level error, at any time: each of them has to come, and no other. `*` stands for anything. With
  // `times`, exactly so many lines are of this kind.
  void expect_error(std::string pattern, std::optional<std::size_t> times = std::nullopt) {
    expected_errors_.add(std::move(pattern), times);
  }
  // Announces how many workers the app has at rest, from the start on or from now on; without it, as many as its
  // configuration says.
  void expect_workers(const std::string& app, unsigned count) { expected_workers_[app] = {count, count}; }
  // Announces that the master has `more` descriptors of a kind (see descriptor_kinds_of) than it had when it came to
  // rest first: for tests that change its listeners or its files. Behind start().
  void expect_descriptors(const std::string& kind, int more) { leftovers_.value().expect_descriptors(kind, more); }
  // The server is not looked at before it ends, because `reason`.
  void skip_rest(std::string reason) { skipped_because_ = std::move(reason); }

  // Starts the server and waits for READY and rest; throws, with the log, if they don't come.
  void start();

  // Takes how the server looks now, as soon as it is at rest, for how it shall look at its end: behind launch(), and
  // for tests that change it rightly.
  void remember_rest();
  // Waits until the server is at rest and looks as it did first. Part of stop().
  testing::AssertionResult at_rest(milliseconds patience = kPatience);

  // Writes the configuration and starts nothing: for whoever runs a server from it in another way (see serve.h).
  void write_config() const { write_file(config_file(), yaml()); }

  // Changes the configuration that the next reload finds, and what is expected of the server at rest.
  void configure(std::vector<App> apps);
  // The same, with a text that is no configuration.
  void spoil_config(std::string_view text) const { write_file(config_file(), text); }
  // Sends HUP and waits for the end of the reload: what the log says of it behind `reload: `.
  std::string reload(milliseconds patience = seconds(30));
  // All such ends so far.
  std::vector<std::string> reloads() const;

  // Starts the command and waits for nothing: for servers that are not expected to start. Should it become READY,
  // remember_rest() is what start() does then.
  void launch(const std::vector<std::string>& options = {});
  ExitStatus wait(milliseconds patience = 3 * kPatience) { return child_.wait(patience); }

  // Stops it with `signal` when it is at rest, and fails the test if it never is, or if anything of it is left: a
  // process, a socket's path, a file in its runtime_dir.
  ExitStatus stop(int signal = 15, milliseconds patience = seconds(20));

  // The listener of an app, counted as in its `listen`, with its real port.
  const Endpoint& listener(const std::string& app, std::size_t index = 0) const;

  pid_t pid() const { return child_.pid(); }
  void signal(int number) const { child_.signal(number); }

  // Signals a worker; throws for a pid that is not one of its.
  void signal_worker(pid_t worker, int number) const;

  std::string log() const;
  bool wait_for_log(std::string_view text, milliseconds patience = kPatience) const;

  // Its folder: server.yaml, log, run/ (runtime_dir), sockets.
  const TempDir& folder() const { return folder_; }
  std::string config_file() const { return folder_ / "server.yaml"; }

 private:
  std::string yaml() const;
  bool is_ready() const;  // or was
  Pools pools();
  void check_rest();
  void check_for_remains() const;
  void check_for_sanitizer_reports() const;

  TempDir folder_;
  std::vector<App> apps_;
  std::string more_;
  std::string binary_ = server_binary();
  std::vector<std::string> environment_;
  std::vector<std::string> preloaded_;
  std::vector<std::string> words_before_;
  std::vector<int> passed_;
  Child child_;
  std::map<std::string, std::vector<Endpoint>> listeners_;
  ExpectedErrors expected_errors_;
  Pools configured_workers_;
  Pools expected_workers_;  // where a test knows better
  std::string skipped_because_;
  std::optional<Leftovers> leftovers_;  // from READY until it was asked whether there are any
  bool was_looked_at_ = false;          // before its end
};

// The listeners by app, from the message of the log's READY line; throws if it can't be read.
//   READY: app "hello" on 127.0.0.1:40123 unix:/tmp/x.sock; app "env" on 127.0.0.1:4001
std::map<std::string, std::vector<Endpoint>> parse_ready(std::string_view message);

}  // namespace harness
