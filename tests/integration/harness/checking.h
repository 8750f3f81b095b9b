// `forklift check` of a file of one's own, and what it says; nothing may be left of it.
#pragma once

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "harness/child.h"
#include "harness/files.h"
#include "harness/processes.h"

namespace harness {

// Far below timeouts.start as it is by default, and above it where a test sets it to a second.
inline constexpr milliseconds kCheckPatience = seconds(15);

// An app; `more` are further keys, in the flow style.
struct Tried {
  std::string name;
  std::string plugin;
  std::string more{};
};

class Check : public testing::Test {
 protected:
  // The kernel gives orphans to us, so that they are found.
  Check() { prctl(PR_SET_CHILD_SUBREAPER, 1); }
  ~Check() override {
    EXPECT_THAT(left_behind(), testing::IsEmpty());
    if (HasFailure()) fmt::print("---- check's output ----\n{}------------------------\n", output());
  }

  std::string file() const { return folder_ / "app.yaml"; }
  std::string output() const { return std::filesystem::exists(folder_ / "out") ? read_file(folder_ / "out") : ""; }
  std::vector<std::string> lines() const {
    std::vector<std::string> result;
    std::istringstream text(output());
    for (std::string line; std::getline(text, line);) result.push_back(line);
    return result;
  }
  std::string last_line() const { return lines().empty() ? "" : lines().back(); }

  // Each app on a line of its own: the first stands in line 3, and its plugin in column 20 plus the name's length.
  void write(const std::vector<Tried>& apps, const std::string& more = "") {
    std::string text = fmt::format("runtime_dir: run\n{}apps:\n", more.empty() ? "" : more + "\n");
    for (const Tried& app : apps) {
      const bool needs_user = is_root() && app.more.find("user:") == app.more.npos;
      text += fmt::format("- {{name: {}, plugin: {}, listen: 4000{}{}{}}}\n", app.name, app.plugin,
                          needs_user ? ", user: nobody" : "", app.more.empty() ? "" : ", ", app.more);
      text.replace(text.rfind("4000"), 4, fmt::format("{}", 40000 + ++ports_));
    }
    write_file(file(), text);
  }
  std::string place_of_plugin(const std::string& name, int line = 3) const {
    return fmt::format("{}:{}:{}: app \"{}\": ", file(), line, 20 + name.size(), name);
  }

  void start(const std::vector<std::string>& options = {}) {
    std::vector<std::string> command{server_binary(), "check", file()};
    command.insert(command.end(), options.begin(), options.end());
    start_command(command);
  }
  void start_command(const std::vector<std::string>& command) {
    // Fixtures crash on purpose: the sanitizers must not turn their signals into exits.
    const char* asan = std::getenv("ASAN_OPTIONS");
    child_.start({.command = command,
                  .environment = {fmt::format("ASAN_OPTIONS={}:handle_segv=0:handle_abort=0", asan ? asan : "")},
                  .output = folder_ / "out"});
  }
  ExitStatus wait() { return child_.wait(kCheckPatience); }
  ExitStatus run(const std::vector<std::string>& options = {}) {
    start(options);
    return wait();
  }
  bool wait_for_output(std::string_view text) const {
    return eventually([&] { return output().find(text) != std::string::npos; });
  }

  // Processes that check has left, and what it has made on the disk.
  std::vector<std::string> left_behind() const {
    std::vector<std::string> found;
    const auto orphans = [&] {
      std::vector<std::string> names;
      for (const Process& process : children_of(getpid())) {
        if (Child::is_one(process.pid)) continue;
        if (process.state == 'Z' && waitpid(process.pid, nullptr, WNOHANG) == process.pid) continue;
        names.push_back(fmt::format("process {} ({})", process.pid, process.name));
      }
      return names;
    };
    eventually([&] { return (found = orphans()).empty(); });
    for (const char* name : {"run", "pid", "socket"}) {
      if (std::filesystem::exists(folder_ / name)) found.push_back(name);
    }
    return found;
  }

  TempDir folder_;
  Child child_;
  int ports_ = 0;
};

}  // namespace harness
