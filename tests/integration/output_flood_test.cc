// A plugin that prints nothing but newlines, as fast as it can: few bytes, and for the log much work.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <vector>

#include "harness/scgi_request.h"
#include "harness/server.h"

namespace harness {
namespace {

class OutputFlood : public testing::Test {
 protected:
  OutputFlood() { server_.start(); }

  Response tell(const std::string& what) const {
    return fetch(server_.listener("loud"), ScgiRequest::get("/").add("HTTP_X_DO", what));
  }
  // In the middle of `times` requests to the other app.
  milliseconds typical_time(std::size_t times) const {
    std::vector<milliseconds> took;
    while (took.size() < times) {
      const auto begin = std::chrono::steady_clock::now();
      EXPECT_TRUE(fetch(server_.listener("quiet"), ScgiRequest::get("/")).complete(200));
      took.push_back(std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - begin));
    }
    std::ranges::sort(took);
    return took[times / 2];
  }

  Server server_{{App{.name = "loud", .plugin = fixture_file("prints_newlines"), .more = "workers: {min: 1, max: 1}\n"},
                  App{.name = "quiet", .plugin = plugin_file("hello")}}};
};

// It is some milliseconds. A master that takes all that there is takes a third of a second a turn, and several turns.
TEST_F(OutputFlood, HoldsNoOtherAppUp) {
  EXPECT_TRUE(tell("print").complete(200));
  EXPECT_LT(typical_time(5), milliseconds(400));
  EXPECT_TRUE(tell("stop").complete(200));
}

TEST_F(OutputFlood, OfAWorkerThatDiesIsLoggedInPartAndTheRestCounted) {
  server_.expect_error("died of signal 9");
  EXPECT_TRUE(tell("die").complete(502));
  EXPECT_TRUE(server_.wait_for_log(" bytes that it has printed last are left out\n"));
  EXPECT_TRUE(tell("").complete(200));
}

}  // namespace
}  // namespace harness
