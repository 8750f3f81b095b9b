// A plugin's own counters and gauges in `forklift status`.
#include <Poco/JSON/Array.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "harness/command.h"
#include "harness/freeze.h"
#include "harness/scgi_request.h"
#include "harness/server.h"

namespace harness {
namespace {

using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::Pair;
using testing::UnorderedElementsAre;

class Stats : public testing::Test {
 protected:
  static App app(const std::string& settings = {}, unsigned workers = 2) {
    return {.name = "counts",
            .plugin = fixture_file("counts_as_told"),
            .more = fmt::format("settings: {{{}}}\nworkers: {{min: {}, max: {}}}\n", settings, workers, workers)};
  }
  void start(const App& app) {
    server_.emplace(std::vector{app});
    server_->start();
  }
  Response ask(ScgiRequest request) { return fetch(server_->listener("counts"), request); }
  pid_t pid_of(const Response& response) {
    EXPECT_TRUE(response.complete(200)) << response;
    return std::atoi(response.body.c_str());
  }

  // Name and value of each.
  std::vector<std::pair<std::string, std::int64_t>> stats() {
    std::vector<std::pair<std::string, std::int64_t>> all;
    const auto listed = status_of(*server_)->getArray("apps")->getObject(0)->getArray("stats");
    for (unsigned i = 0; i < listed->size(); ++i) {
      const auto stat = listed->getObject(i);
      all.emplace_back(stat->getValue<std::string>("name"), stat->getValue<std::int64_t>("value"));
    }
    return all;
  }

  std::optional<Server> server_;
};

TEST_F(Stats, ThoseOfDeadWorkersAndEarlierGenerationsStay) {
  start(app());
  EXPECT_THAT(stats(), UnorderedElementsAre(Pair("hits", 0), Pair("level", 0)));
  ask(ScgiRequest::get("/").add("HTTP_X_LEVEL", "40").add("HTTP_X_ADD", "3"));
  EXPECT_THAT(stats(), UnorderedElementsAre(Pair("hits", 3), Pair("level", 40)));

  server_->expect_error("died of signal 9");
  EXPECT_TRUE(ask(ScgiRequest::get("/").add("HTTP_X_DO", "die")).complete(502));
  ASSERT_TRUE(server_->at_rest());
  EXPECT_THAT(stats(), UnorderedElementsAre(Pair("hits", 4), Pair("level", 0)))
      << "a counter stays, a gauge is of those who live";

  ask(ScgiRequest::get("/").add("HTTP_X_RAISE", "-7"));
  EXPECT_THAT(stats(), UnorderedElementsAre(Pair("hits", 5), Pair("level", -7)));
  server_->configure({app("also: more")});
  EXPECT_EQ(server_->reload(), kOneReloaded);
  ASSERT_TRUE(server_->at_rest());
  EXPECT_THAT(stats(), UnorderedElementsAre(Pair("hits", 5), Pair("level", 0), Pair("more", 0)));
  ask(ScgiRequest::get("/"));
  EXPECT_THAT(stats(), UnorderedElementsAre(Pair("hits", 6), Pair("level", 0), Pair("more", 1)));
  server_->configure({app("")});
  EXPECT_EQ(server_->reload(), kOneReloaded);
  ASSERT_TRUE(server_->at_rest());
  EXPECT_THAT(stats(), UnorderedElementsAre(Pair("hits", 6), Pair("more", 1), Pair("level", 0)))
      << "what nobody counts any more has been counted";
}

TEST_F(Stats, AreSummedOverWorkers) {
  start(app("", 3));
  // All three at the same time: each request waits in its worker until its client has sent the body.
  std::vector<pid_t> workers;
  std::vector<Connection> connections;
  auto freeze = std::make_unique<Freeze>(*server_);
  for (int i = 0; i < 3; ++i) {
    connections.push_back(Connection::to(server_->listener("counts")));
    ASSERT_TRUE(connections.back().send(
        ScgiRequest::get("/").add("HTTP_X_LEVEL", std::to_string(10 + i)).add("HTTP_X_ADD", "1000000000000").bytes()));
  }
  freeze.reset();  // the master finds all of them in one turn of its loop, with three idle workers
  for (Connection& connection : connections) {
    workers.push_back(pid_of(connection.receive(ResponseReader(Dialect::kScgi, "GET"))));
  }
  EXPECT_EQ(std::set(workers.begin(), workers.end()).size(), 3U);
  EXPECT_THAT(stats(), UnorderedElementsAre(Pair("hits", 3'000'000'000'000), Pair("level", 33)));
}

TEST_F(Stats, StandInATableForPeople) {
  start(app());
  ask(ScgiRequest::get("/").add("HTTP_X_ADD", "1234"));
  Command table("status", *server_);
  EXPECT_EQ(table.wait(), ExitStatus::exited(0));
  EXPECT_THAT(table.output(), AllOf(HasSubstr("STATISTIC"),
                                    ContainsRegex("counts +hits +counter +1234 +requests, or as many as each says\n"),
                                    ContainsRegex("counts +level +gauge +0\n")));
}

TEST_F(Stats, AreNotSpokenOfWhereThereAreNone) {
  server_.emplace(std::vector{App{.name = "hello", .plugin = plugin_file("hello")}});
  server_->start();
  EXPECT_THAT(stats(), IsEmpty());
  Command table("status", *server_);
  EXPECT_EQ(table.wait(), ExitStatus::exited(0));
  EXPECT_THAT(table.output(), Not(HasSubstr("STATISTIC")));
}

TEST_F(Stats, ANameThatIsNoneIsAnErrorOfThePlugins) {
  start(app());
  for (const char* settings : {"also: Hits", "also: 'two words'", "also: hits, kind: gauge"}) {
    server_->expect_error("the plugin's statistic *: i*");
    server_->expect_error(
        "failed at CREATED: */server.yaml:*: setting \"also\": cannot be registered; generation 1 stays");
    server_->configure({app(settings)});
    EXPECT_EQ(server_->reload(), "0 apps reloaded, 0 added, 0 removed, 1 failed");
    EXPECT_TRUE(ask(ScgiRequest::get("/")).complete(200));
  }
}

}  // namespace
}  // namespace harness
