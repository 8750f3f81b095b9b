// The way of an author, from an installed prefix alone: a project is built and tested, its plugin served, changed,
// built again and reloaded, while clients ask. Nobody gets anything but the old answer or the new one.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <ostream>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "harness/child.h"
#include "harness/scgi_request.h"
#include "harness/server.h"

namespace harness {
namespace {

namespace fs = std::filesystem;

constexpr int kClients = 4;

using Words = std::vector<std::string>;

// A project named `greeting`, as its author finds it. Commands run in its folder, with the installation where CMake and
// the shell look for it.
struct Project {
  std::string name;
  std::string folder;          // is copied; or
  Words made_by;               // makes the folder `greeting`
  std::vector<Words> prepare;  // once
  std::vector<Words> build;    // after each change; tests included
  std::string plugin;          // what comes out
  std::string source;          // what is changed: the greeting
};

constexpr std::string_view kBefore = "Hello";
constexpr std::string_view kAfter = "Good morning";

std::ostream& operator<<(std::ostream& out, const Project& project) {
  return out << project.name;
}

Project with_cmake(const std::string& name, const std::string& source) {
  return {.name = name,
          .folder = {},
          .made_by = {},
          .prepare = {{CMAKE_COMMAND, "-S", ".", "-B", "build", "-DCMAKE_BUILD_TYPE=RelWithDebInfo"}},
          .build = {{CMAKE_COMMAND, "--build", "build"}, {CTEST_COMMAND, "--test-dir", "build", "--output-on-failure"}},
          .plugin = "build/greeting.so",
          .source = source};
}

Project consumer(const std::string& name, const std::string& folder, const std::string& source) {
  Project project = with_cmake(name, source);
  project.folder = folder;
  return project;
}

Project made_new(const std::string& name, const std::string& option, const std::string& source) {
  Project project = with_cmake(name, source);
  project.made_by = {"forklift", "new", "greeting", option};
  return project;
}

Project made_new_in_rust() {
  return {.name = "new_rust",
          .folder = {},
          .made_by = {"forklift", "new", "greeting", "--rust"},
          .prepare = {},
          .build = {{"cargo", "build", "--release", "--offline"}, {"cargo", "test", "--offline"}},
          .plugin = "target/release/libgreeting.so",
          .source = "src/lib.rs"};
}

ScgiRequest request() {
  return ScgiRequest::get("/").add("DOCUMENT_URI", "/");
}

bool has(const std::string& text, std::string_view greeting) {
  return text.find(greeting) != text.npos;
}

class Flow : public testing::TestWithParam<Project> {
 protected:
  std::string project() const { return folder_ / "greeting"; }
  std::string plugin() const { return project() + "/" + GetParam().plugin; }

  // Runs a command, which has to end well, and returns what it says.
  std::string run(const Words& words, const std::string& where) {
    Words command{"/usr/bin/env", "--chdir=" + where};
    command.insert(command.end(), words.begin(), words.end());
    const std::string output = folder_ / fmt::format("output-{}", ++commands_);
    const char* path = std::getenv("PATH");
    Child child;
    // The distribution's programs before others of their names.
    child.start(
        {.command = command,
         .environment = {"CMAKE_PREFIX_PATH=" INSTALLED_PREFIX,
                         fmt::format("PATH=" INSTALLED_PREFIX "/sbin:/usr/bin:/bin:{}", path == nullptr ? "" : path)},
         .output = output});
    EXPECT_EQ(child.wait(seconds(280)), ExitStatus::exited(0)) << testing::PrintToString(words) << "\n"
                                                               << read_file(output);
    return read_file(output);
  }

  void make() {
    if (GetParam().made_by.empty()) {
      fs::copy(GetParam().folder, project(), fs::copy_options::recursive);
    } else {
      run(GetParam().made_by, folder_.path());
    }
    for (const Words& words : GetParam().prepare) run(words, project());
  }

  void build() {
    for (const Words& words : GetParam().build) run(words, project());
  }

  void change() const {
    const std::string path = project() + "/" + GetParam().source;
    std::string text = read_file(path);
    const auto at = text.find(kBefore);
    ASSERT_NE(at, text.npos) << path;
    write_file(path, text.replace(at, kBefore.size(), kAfter));
  }

  const TempDir folder_;
  int commands_ = 0;
};

TEST_P(Flow, IsBuiltTestedCalledServedChangedAndReloadedWithoutLosingARequest) {
  make();
  build();
  ASSERT_FALSE(HasFailure());
  EXPECT_TRUE(has(run({"forklift", "call", plugin(), "/"}, project()), kBefore));

  Server server({{.name = "greeting", .plugin = plugin()}});
  server.run_binary(INSTALLED_PREFIX "/sbin/forklift");
  server.start();
  const Endpoint& endpoint = server.listener("greeting");
  const Response first = fetch(endpoint, request());
  ASSERT_TRUE(first.complete(200) && has(first.body, kBefore)) << first;

  change();
  build();
  ASSERT_FALSE(HasFailure());
  EXPECT_TRUE(has(fetch(endpoint, request()).body, kBefore)) << "until it is reloaded";

  std::atomic<bool> over = false;
  std::atomic<int> asked = 0;
  std::vector<std::thread> clients;
  for (int i = 0; i < kClients; ++i) {
    clients.emplace_back([&] {
      for (bool changed = false; !over && !HasFailure(); ++asked) {
        const Response response = fetch(endpoint, request());
        EXPECT_TRUE(response.complete(200)) << response;
        EXPECT_TRUE(has(response.body, kAfter) || (!changed && has(response.body, kBefore))) << response;
        changed = has(response.body, kAfter);
      }
    });
  }
  EXPECT_TRUE(eventually([&] { return asked > 2 * kClients; }));
  EXPECT_EQ(server.reload(), "1 app reloaded, 0 added, 0 removed, 0 failed");
  for (int i = 0; i < 2 * kClients; ++i) EXPECT_TRUE(has(fetch(endpoint, request()).body, kAfter));
  over = true;
  for (std::thread& client : clients) client.join();
}

INSTANTIATE_TEST_SUITE_P(Of, Flow,
                         testing::Values(consumer("c", CONSUMER_DIR "/c", "greeting.c"),
                                         consumer("cc", CONSUMER_DIR "/c++", "greeting.cc"),
                                         made_new("new_c", "--c", "greeting.c"),
                                         made_new("new_cc", "--c++", "greeting.cc"), made_new_in_rust()),
                         testing::PrintToStringParamName());

}  // namespace
}  // namespace harness
