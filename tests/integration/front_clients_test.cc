// Clients of the front servers that read along, leave, or are slow.
#include <sstream>

#include "harness/behind_front.h"
#include "harness/stop_point.h"

namespace harness {
namespace {

// One worker: whoever holds it is noticed by the next.
class FrontClients : public BehindFront {
 protected:
  FrontClients()
      : BehindFront({{.name = "echo",
                      .plugin = fixture_file("stops_where_told"),
                      .more = "workers: {min: 1, max: 1}\naccess_log: {file: access.log, format: '$method $uri'}\n"},
                     {.name = "other",
                      .plugin = plugin_file("echo"),
                      .more = "workers: {min: 1, max: 1}\nlimits: {body: 64M}\ntimeouts: {body: 2s}\n"}}) {}

  HttpRequest request(const std::string& uri, const std::string& point) const {
    return HttpRequest::get(uri).add("X-Stop", point).add("X-Control", stop_point_.path());
  }

  int lines_with(const std::string& uri) const {
    std::istringstream lines(read_file(server_.folder() / "access.log"));
    int count = 0;
    for (std::string line; std::getline(lines, line);) count += line == "GET " + uri ? 1 : 0;
    return count;
  }

  void expect_other_answers() const {
    const Response response = ask(HttpRequest::post("/other", text_body("quick")));
    EXPECT_TRUE(response.complete(200)) << response;
    EXPECT_EQ(response.body, "quick");
  }

  StopPoint stop_point_;
};

TEST_P(FrontClients, SeeTheFirstByteWhileThePluginStillWorks) {
  const HttpRequest asked = request("/live", "first");
  Connection client = Connection::to(front_.endpoint());
  ASSERT_TRUE(client.send(asked.head()));
  Stopped worker = stop_point_.wait();

  std::string page;
  ResponseReader reader = asked.reader([&](std::string_view bytes) { page += bytes; });
  while (page.empty()) {
    const std::string bytes = client.receive_some(4096);
    ASSERT_NE(bytes, "");
    reader.feed(bytes);
  }
  EXPECT_EQ(page, "b");
  worker.go_on();
  const Response response = client.receive(std::move(reader));
  EXPECT_TRUE(response.complete(200)) << response;
  EXPECT_EQ(page.size(), 2000u);
}

TEST_P(FrontClients, LeaveAndTheServerGoesOn) {
  for (const char* point : {"taken", "before", "first"}) {
    const std::string uri = fmt::format("/live/{}", point);
    Connection client = Connection::to(front_.endpoint());
    ASSERT_TRUE(client.send(request(uri, point).head()));
    Stopped worker = stop_point_.wait();
    client.reset();
    worker.go_on();
    const Response next = ask(HttpRequest::get(uri + "/next"));
    EXPECT_TRUE(next.complete(200)) << next;
    EXPECT_TRUE(eventually([&] { return lines_with(uri + "/next") == 1; }));
    EXPECT_EQ(lines_with(uri), 1) << uri;
  }
}

INSTANTIATE_TEST_SUITE_P(Behind, FrontClients, all_front_roads(), testing::PrintToStringParamName());

class ClientsOfAFrontThatStores : public FrontClients {};

TEST_P(ClientsOfAFrontThatStores, HoldNoWorkerWhileTheySend) {
  const HttpRequest slow = HttpRequest::post("/other", text_body("slow body"));
  Connection client = Connection::to(front_.endpoint());
  ASSERT_TRUE(client.send(slow.head() + "slow"));
  expect_other_answers();
  ASSERT_TRUE(client.send(" body"));
  const Response response = client.receive(slow.reader());
  EXPECT_TRUE(response.complete(200)) << response;
  EXPECT_EQ(response.body, "slow body");
}

TEST_P(ClientsOfAFrontThatStores, HoldNoWorkerWhileTheyRead) {
  const std::string more_than_sockets_hold(32 << 20, 'x');
  const HttpRequest slow = HttpRequest::post("/other", text_body(more_than_sockets_hold));
  Connection client = Connection::to(front_.endpoint());
  ASSERT_TRUE(client.send(slow.head()));
  ASSERT_TRUE(client.send(more_than_sockets_hold, 4 * kPatience));
  ResponseReader reader = slow.reader([](std::string_view) {});
  reader.feed(client.receive_some(100, 4 * kPatience));
  expect_other_answers();
  const Response response = client.receive(std::move(reader), 4 * kPatience);
  EXPECT_TRUE(response.complete(200)) << response;
  EXPECT_EQ(response.body_bytes, more_than_sockets_hold.size());
}

INSTANTIATE_TEST_SUITE_P(Behind, ClientsOfAFrontThatStores,
                         testing::Values(FrontRoad{FrontKind::kNginx, false}, FrontRoad{FrontKind::kNginx, true},
                                         FrontRoad{FrontKind::kLighttpd, false}, FrontRoad{FrontKind::kLighttpd, true}),
                         testing::PrintToStringParamName());

// Apache sends on what it has, and the worker waits for the rest.
class ClientsOfApache : public FrontClients {};

TEST_P(ClientsOfApache, HoldAWorkerForTimeoutsBodyWhileTheySend) {
  Connection client = Connection::to(front_.endpoint());
  ASSERT_TRUE(client.send(HttpRequest::post("/other", text_body("slow body")).head() + "slow"));
  expect_other_answers();
  EXPECT_TRUE(server_.wait_for_log("POST \"/other\" refused with 408"));
}

INSTANTIATE_TEST_SUITE_P(Behind, ClientsOfApache,
                         testing::Values(FrontRoad{FrontKind::kApache, false}, FrontRoad{FrontKind::kApache, true}),
                         testing::PrintToStringParamName());

}  // namespace
}  // namespace harness
