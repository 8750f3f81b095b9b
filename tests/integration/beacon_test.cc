// The plugin `beacon`: reports in a file, and counted, when their browser has long got its answer.
#include <Poco/JSON/Array.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "harness/command.h"
#include "harness/scgi_request.h"
#include "harness/server.h"

namespace harness {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::StartsWith;

class BeaconPlugin : public testing::Test {
 protected:
  void start(const std::string& more = "limit: 1K") {
    server_.emplace(std::vector{App{.name = "beacon",
                                    .plugin = plugin_file("beacon"),
                                    .more = fmt::format("settings: {{file: {}, {}}}\n", file_, more)}});
    server_->start();
  }
  Response ask(const ScgiRequest& request) { return fetch(server_->listener("beacon"), request); }

  std::map<std::string, std::int64_t> stats() {
    std::map<std::string, std::int64_t> all;
    const auto listed = status_of(*server_)->getArray("apps")->getObject(0)->getArray("stats");
    for (unsigned i = 0; i < listed->size(); ++i) {
      all[listed->getObject(i)->getValue<std::string>("name")] = listed->getObject(i)->getValue<std::int64_t>("value");
    }
    return all;
  }

  TempDir folder_;
  const std::string file_ = folder_ / "reports.json";
  std::optional<Server> server_;
};

TEST_F(BeaconPlugin, AReportBecomesALine) {
  start();
  const Response response = ask(ScgiRequest::post("/", std::string("{\"error\":\"x\\y\"}\n\x1b"))
                                    .add("REMOTE_ADDR", "192.0.2.7")
                                    .add("HTTP_REFERER", "https://example.org/"));
  EXPECT_TRUE(response.complete(204)) << response;
  ASSERT_TRUE(server_->at_rest()) << "the work is over";
  const std::string line = read_file(file_);
  EXPECT_THAT(line, StartsWith("{\"time\":"));
  EXPECT_THAT(line, HasSubstr(",\"from\":\"192.0.2.7\",\"page\":\"https://example.org/\","
                              "\"report\":\"{\\\"error\\\":\\\"x\\\\y\\\"}\\u000a\\u001b\"}\n"));
  EXPECT_EQ(stats()["reports"], 1);
  EXPECT_EQ(stats()["written_bytes"], static_cast<std::int64_t>(line.size()));
  EXPECT_EQ(stats()["writing"], 0);
  EXPECT_TRUE(ask(ScgiRequest::post("/", std::string("again"))).complete(204));
  ASSERT_TRUE(server_->at_rest());
  EXPECT_THAT(read_file(file_), AllOf(StartsWith(line), ContainsRegex("\"report\":\"again\"}\n$")));
}

TEST_F(BeaconPlugin, WhatIsNoneIsRefused) {
  start();
  const Response get = ask(ScgiRequest::get("/"));
  EXPECT_TRUE(get.complete(405)) << get;
  EXPECT_EQ(get.header("Allow"), "POST");
  EXPECT_TRUE(ask(ScgiRequest::post("/", std::string(1025, 'x'))).complete(413));
  EXPECT_EQ(stats()["refused"], 2);
  EXPECT_EQ(read_file(file_), "");
}

TEST_F(BeaconPlugin, OneThatCannotBeWrittenIsCountedAndLogged) {
  start();
  fs::remove(file_);
  fs::create_directory(file_);
  server_->expect_error(fmt::format("deferred work: opening {}: Is a directory", file_));
  EXPECT_TRUE(ask(ScgiRequest::post("/", std::string("lost"))).complete(204));
  ASSERT_TRUE(server_->at_rest());
  EXPECT_EQ(stats()["reports"], 1);
  EXPECT_EQ(stats()["lost"], 1);
  fs::remove(file_);
  EXPECT_TRUE(ask(ScgiRequest::post("/", std::string("found"))).complete(204));
  ASSERT_TRUE(server_->at_rest());
  EXPECT_THAT(read_file(file_), HasSubstr("found"));
}

// As a full disk leaves it.
TEST_F(BeaconPlugin, ALineWithoutAnEndCostsNoOther) {
  start();
  const std::string torn = "{\"time\":1,\"fro";
  write_file(file_, torn);
  for (const char* report : {"first", "second"}) {
    EXPECT_TRUE(ask(ScgiRequest::post("/", std::string(report))).complete(204));
    ASSERT_TRUE(server_->at_rest());
  }
  const std::string lines = read_file(file_);
  EXPECT_THAT(lines, StartsWith(torn + "\n{\"time\":"));
  EXPECT_THAT(lines, ContainsRegex("\"report\":\"first\"}\n\\{\"time\":.*\"report\":\"second\"}\n$"));
  EXPECT_EQ(stats()["written_bytes"], static_cast<std::int64_t>(lines.size() - torn.size()));
}

}  // namespace
}  // namespace harness
