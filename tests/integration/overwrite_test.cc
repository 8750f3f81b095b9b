// The bytes that a generation runs are those of its start, whatever happens to the plugin's file.
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <thread>
#include <vector>

#include "harness/scgi_request.h"
#include "harness/server.h"

namespace harness {
namespace {

namespace fs = std::filesystem;

// Like cp(1): into the same file, which is truncated first.
void copy_in_place(const std::string& from, const std::string& to) {
  fs::copy_file(from, to, fs::copy_options::overwrite_existing);
}

// Asks until `over`, and says how often. Each answer is the first build's.
int ask_until(const std::atomic<bool>& over, const Endpoint& endpoint) {
  int count = 0;
  for (; !over && !testing::Test::HasFailure(); ++count) {
    const Response response = fetch(endpoint, ScgiRequest::get("/"));
    EXPECT_TRUE(response.complete(200) && response.body == "one") << response;
  }
  return count;
}

// In place, with two builds in turn, while clients ask and workers are replaced.
TEST(Overwrite, AThousandTimesUnderLoadHarmsNothing) {
  constexpr int kTimes = 1000;
  const TempDir folder;
  const std::string plugin = folder / "plugin.so";
  copy_in_place(fixture_file("version_one"), plugin);
  const App app{.name = "app", .plugin = plugin, .more = "workers: {min: 3, max: 4}\n"};
  Server server({app});
  server.expect_error("exited with status 0 with GET \"/leave\" since * s; answered 502");
  server.start();
  const Endpoint endpoint = server.listener("app");

  std::atomic<bool> over = false;
  std::atomic<int> answers = 0;
  std::vector<std::thread> clients;
  for (int i = 0; i < 2; ++i) clients.emplace_back([&] { answers += ask_until(over, endpoint); });
  for (int i = 0; i < kTimes && !testing::Test::HasFailure(); ++i) {
    copy_in_place(fixture_file(i % 2 == 0 ? "version_two" : "version_one"), plugin);
    // Ends a worker, so that another is started from the same bytes.
    if (i % 5 == 0) {
      const Response response = fetch(endpoint, ScgiRequest::get("/leave"));
      EXPECT_TRUE(response.complete(502)) << response;
    }
  }
  over = true;
  for (std::thread& client : clients) client.join();
  EXPECT_GT(answers, kTimes / 10) << "there was no load";

  copy_in_place(fixture_file("version_two"), plugin);
  EXPECT_EQ(fetch(endpoint, ScgiRequest::get("/")).body, "one");
  Server next({app});
  next.start();
  EXPECT_EQ(fetch(next.listener("app"), ScgiRequest::get("/")).body, "two") << "the file holds the other build by now";
}

}  // namespace
}  // namespace harness
