// Workers that die or hang behind each front server: a proper status where nothing was sent, and never half of a page
// that looks like a whole one.
#include <csignal>

#include "harness/behind_front.h"
#include "harness/stop_point.h"

namespace harness {
namespace {

using testing::HasSubstr;

class FrontDeaths : public BehindFront {
 protected:
  FrontDeaths()
      : BehindFront({{.name = "echo",
                      .plugin = fixture_file("stops_where_told"),
                      .more = "workers: {min: 1, max: 1}\ntimeouts: {request: 2s}\n"}}) {}

  HttpRequest request(const std::string& point) const {
    return HttpRequest::post("/live", text_body("abc")).add("X-Stop", point).add("X-Control", stop_point_.path());
  }

  void expect_next_page() const {
    const Response next = ask(HttpRequest::get("/live"));
    EXPECT_TRUE(next.complete(200)) << next;
    EXPECT_EQ(next.body_bytes, 2000u);
  }

  StopPoint stop_point_;
};

TEST_P(FrontDeaths, BeforeTheFirstByteAre502) {
  for (const char* point : {"taken", "half", "before"}) {
    server_.expect_error("died of signal 9 (Killed)*with POST \"/live\"*; answered 502");
    Connection client = Connection::to(front_.endpoint());
    ASSERT_TRUE(client.send(request(point).head() + "abc"));
    server_.signal_worker(stop_point_.wait().pid(), SIGKILL);
    const Response response = client.receive(request(point).reader());
    EXPECT_TRUE(response.complete(502)) << point << ": " << response;
    expect_next_page();
  }
}

TEST_P(FrontDeaths, OfBoredomAre504) {
  server_.expect_error("killed by timeouts.request*with POST \"/live\"");
  Connection client = Connection::to(front_.endpoint());
  ASSERT_TRUE(client.send(request("taken").head() + "abc"));
  const Stopped hangs = stop_point_.wait();
  const Response response = client.receive(request("taken").reader());
  EXPECT_TRUE(response.complete(504)) << response;
  expect_next_page();
}

// The client has seen the first byte: by then lighttpd can no longer make a whole page of it (see conf/lighttpd.conf).
TEST_P(FrontDeaths, BehindTheFirstByteBreakThePageOff) {
  for (const bool declares_length : {false, true}) {
    server_.expect_error("died of signal 9 (Killed)*with POST \"/live\"*so the connection is aborted");
    HttpRequest asked = request("first");
    if (declares_length) asked.add("X-Length", "yes");
    Connection client = Connection::to(front_.endpoint());
    ASSERT_TRUE(client.send(asked.head() + "abc"));
    const Stopped worker = stop_point_.wait();

    std::uint64_t body_bytes = 0;
    ResponseReader reader = asked.reader([&](std::string_view bytes) { body_bytes += bytes.size(); });
    while (body_bytes == 0) {
      const std::string bytes = client.receive_some(4096);
      ASSERT_NE(bytes, "");
      reader.feed(bytes);
    }
    server_.signal_worker(worker.pid(), SIGKILL);
    const Response response = client.receive(std::move(reader));
    EXPECT_EQ(response.outcome, Outcome::kAborted) << response;
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(body_bytes, 1u);
    expect_next_page();
  }
  EXPECT_THAT(front_.log(), HasSubstr("onnection reset by peer"));
}

INSTANTIATE_TEST_SUITE_P(Behind, FrontDeaths, all_front_roads(), testing::PrintToStringParamName());

}  // namespace
}  // namespace harness
