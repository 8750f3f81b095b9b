#include "cgi/git_storm.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace harness {
namespace {

// A reload waits for workers of the ones before, of which an app may have but so many; each ends with its program.
constexpr milliseconds kReloadPatience = seconds(90);

}  // namespace

void weather_git_reloads(GitScenario& scenario, int count) {
  Server& server = scenario.site().server();
  std::atomic<bool> over = false;
  std::thread reloads([&] {
    for (int i = 0; i < count && !testing::Test::HasFailure(); ++i) {
      EXPECT_THAT(server.reload(kReloadPatience), testing::EndsWith(" 0 failed")) << "reload " << i;
    }
    over = true;
  });
  int runs = 0;
  do {
    scenario.run();
    ++runs;
  } while (!over && !testing::Test::HasFailure());
  reloads.join();
  fmt::print("{} reloads while the scenario ran {} times\n", server.reloads().size(), runs);
  scenario.check_repository();
}

}  // namespace harness
