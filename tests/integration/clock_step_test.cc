// The wall clock jumps by a day. It is for the log alone: nothing ends before its time, and no timeout is late.
#include <gtest/gtest.h>

#include <csignal>
#include <string>

#include "harness/scgi_request.h"
#include "harness/site.h"
#include "harness/stop_point.h"

namespace harness {
namespace {

constexpr seconds kDay = std::chrono::hours(24);

class ClockStep : public testing::TestWithParam<seconds> {
 protected:
  // The clock is seen to be wrong: by the date of the last line.
  static void step(Site& site) {
    const std::string before = last_date(site);
    site.faults().step_clock(GetParam());
    // It makes the master say something.
    Connection wrong = Connection::to(site.server().listener("app"));
    EXPECT_TRUE(wrong.send("x"));
    EXPECT_TRUE(wrong.receive(ResponseReader(Dialect::kScgi, "GET")).complete(400));
    EXPECT_NE(last_date(site), before);
  }

  Site::Asked ask_and_stop(const Site& site, const char* point) const {
    return site.ask("/stops", {{"X-Stop", point}, {"X-Control", stop_point_.path()}}, {});
  }

  StopPoint stop_point_;

 private:
  static std::string last_date(const Site& site) {
    const std::string log = site.server().log();
    const auto newline = log.rfind('\n', log.size() - 2);
    return log.substr(newline == log.npos ? 0 : newline + 1, 10);
  }
};

INSTANTIATE_TEST_SUITE_P(By, ClockStep, testing::Values(kDay, -kDay),
                         [](const auto& test) { return test.index == 0 ? "ADayForwards" : "ADayBack"; });

TEST_P(ClockStep, EndsNothingBeforeItsTime) {
  Site site(Road::kTcp, "workers: {min: 2, max: 2, idle_timeout: 1h}\n");
  const Endpoint& endpoint = site.server().listener("app");
  const ScgiRequest request = ScgiRequest::post("/half", pattern_body(1000));
  // A head that arrives, a body that arrives, a request in the plugin, and one in the queue.
  Connection half_head = Connection::to(endpoint);
  ASSERT_TRUE(half_head.send(request.bytes().substr(0, 20)));
  Connection half_body = Connection::to(endpoint);
  const std::size_t half = request.head().size() + 500;
  ASSERT_TRUE(half_body.send(request.bytes().substr(0, half)));
  Site::Asked in_plugin = ask_and_stop(site, "before");
  Stopped worker = stop_point_.wait();
  Site::Asked queued = site.ask("/queued", {}, {});
  step(site);
  worker.go_on();
  EXPECT_NE(writer_of_whole_page(in_plugin.response()), 0);
  EXPECT_NE(writer_of_whole_page(queued.response()), 0);
  ASSERT_TRUE(half_head.send(request.bytes().substr(20)));
  ASSERT_TRUE(half_body.send(request.bytes().substr(half)));
  EXPECT_NE(writer_of_whole_page(half_head.receive(request.reader())), 0);
  EXPECT_NE(writer_of_whole_page(half_body.receive(request.reader())), 0);
}

TEST_P(ClockStep, MakesNoTimeoutLate) {
  Site site(Road::kTcp, "workers: {min: 2, max: 2}\ntimeouts: {head: 1500ms, body: 1500ms, request: 1500ms}\n");
  site.server().expect_error("killed by timeouts.request with POST \"/stops\"");
  const Endpoint& endpoint = site.server().listener("app");
  const ScgiRequest request = ScgiRequest::post("/half", pattern_body(1000));
  Connection half_head = Connection::to(endpoint);
  ASSERT_TRUE(half_head.send(request.bytes().substr(0, 20)));
  Connection half_body = Connection::to(endpoint);
  ASSERT_TRUE(half_body.send(request.bytes().substr(0, request.head().size() + 500)));
  Site::Asked hangs = ask_and_stop(site, "before");
  const Stopped worker = stop_point_.wait();
  step(site);
  EXPECT_TRUE(half_head.receive(request.reader()).complete(408));
  EXPECT_TRUE(half_body.receive(request.reader()).complete(408));
  EXPECT_TRUE(hangs.response().complete(504));
  // The backoff of the worker's death, and a start, by the clock as it is now.
  EXPECT_NE(writer_of_whole_page(site.ask("/next", {}, {}).response()), 0);
}

}  // namespace
}  // namespace harness
