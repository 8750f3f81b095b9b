// Plugins of every released minor of the API in today's server and in the next one's; and a plugin of the next minor,
// which only that one takes.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>
#include <string>

#include "forklift/plugin.h"
#include "harness/scgi_request.h"
#include "harness/server.h"

namespace harness {
namespace {

using testing::HasSubstr;

std::string plugin_of_abi(const std::string& name) {
  return fmt::format("{}/{}.so", ABI_DIR, name);
}

enum class Host { kToday, kNext };

void choose(Server& server, Host host) {
  if (host == Host::kNext) server.run_binary(NEXT_BINARY);
}

struct Released {
  Host host;
  const char* plugin;
};

std::ostream& operator<<(std::ostream& out, const Released& released) {
  return out << released.plugin << (released.host == Host::kToday ? " today" : " in the next minor");
}

class ReleasedMinor : public testing::TestWithParam<Released> {};

// All that the plugin's author was promised: see in_c.c, which reads each member of each table.
TEST_P(ReleasedMinor, ServesAsItDid) {
  Server server({{.name = "old",
                  .plugin = plugin_of_abi(GetParam().plugin),
                  .more = "settings: {people: [{name: Ada}, {name: Grace}]}\nworkers: {min: 1, max: 1}\n"}});
  choose(server, GetParam().host);
  server.expect_error("GET \"/fail\" answered 500: as it was told");
  server.start();

  const Response response = fetch(server.listener("old"), ScgiRequest::post("/page", "sixteen bytes at"));
  EXPECT_TRUE(response.complete(201)) << response;
  EXPECT_EQ(response.header("X-App"), "old");
  EXPECT_EQ(response.body,
            "old of generation 1 serves Grace\n"
            "REQUEST_METHOD=POST\n"
            "REQUEST_URI=/page\n"
            "sixteen bytes at\n");
  EXPECT_TRUE(fetch(server.listener("old"), ScgiRequest::get("/fail")).complete(500));
  EXPECT_EQ(server.stop(), ExitStatus::exited(0));
  EXPECT_THAT(server.log(), HasSubstr("made for API 1.0"));
  EXPECT_THAT(server.log(), HasSubstr("destroyed"));
}

// And what its author got wrong is told as it was.
TEST_P(ReleasedMinor, RefusesItsSettingsAsItDid) {
  Server server(
      {{.name = "old", .plugin = plugin_of_abi(GetParam().plugin), .more = "settings: {people: [{name: Ada}]}\n"}});
  choose(server, GetParam().host);
  server.expect_error("*server.yaml:*: setting \"people\": must have two maps with a name*");
  server.expect_error("app \"old\": degraded: *");
  server.expect_error("could not start: *");
  server.launch();
  EXPECT_EQ(server.wait(), ExitStatus::exited(1)) << server.log();
}

INSTANTIATE_TEST_SUITE_P(All, ReleasedMinor,
                         testing::Values(Released{Host::kToday, "in_c-1.0"}, Released{Host::kToday, "in_cc-1.0"},
                                         Released{Host::kNext, "in_c-1.0"}, Released{Host::kNext, "in_cc-1.0"}));

TEST(NextMinor, IsServedByItsHost) {
  Server server({{.name = "new", .plugin = plugin_of_abi("next_minor")}});
  choose(server, Host::kNext);
  server.start();
  const Response response = fetch(server.listener("new"), ScgiRequest::get("/"));
  EXPECT_TRUE(response.complete(200)) << response;
  EXPECT_EQ(response.body, fmt::format("minor {}, all tables have grown", FORKLIFT_API_MINOR + 1));
}

TEST(NextMinor, IsRefusedByTodaysHostWithBothVersionsNamed) {
  Server server({{.name = "new", .plugin = plugin_of_abi("next_minor")}});
  const std::string refusal = fmt::format(
      "failed at CHECKED: the plugin was built for version {0}.{1} of the plugin API, this server has {0}.{2}:*",
      FORKLIFT_API_MAJOR, FORKLIFT_API_MINOR + 1, FORKLIFT_API_MINOR);
  server.expect_error("*" + refusal);
  server.expect_error("app \"new\": degraded: *");
  server.expect_error("could not start: *");
  server.launch();
  EXPECT_EQ(server.wait(), ExitStatus::exited(1)) << server.log();
}

}  // namespace
}  // namespace harness
