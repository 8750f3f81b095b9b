// A server behind each of the front servers, over TCP and over Unix sockets.
#pragma once

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "harness/front.h"
#include "harness/http_request.h"
#include "harness/server.h"

namespace harness {

struct FrontRoad {
  FrontKind front;
  bool over_unix;
};

inline std::ostream& operator<<(std::ostream& out, const FrontRoad& road) {
  return out << road.front << (road.over_unix ? "Unix" : "Tcp");
}

inline auto all_front_roads() {
  return testing::Values(FrontRoad{FrontKind::kNginx, false}, FrontRoad{FrontKind::kNginx, true},
                         FrontRoad{FrontKind::kApache, false}, FrontRoad{FrontKind::kApache, true},
                         FrontRoad{FrontKind::kLighttpd, false}, FrontRoad{FrontKind::kLighttpd, true});
}

class BehindFront : public testing::TestWithParam<FrontRoad> {
 protected:
  // The front sends `/NAME` to the app NAME; `/live` to the app `echo`, and each piece of its response on as it comes.
  explicit BehindFront(std::vector<App> apps) : names_(names_of(apps)), server_(listening(std::move(apps))) {}

  void SetUp() override {
    server_.start();
    Upstreams upstreams;
    for (const std::string& name : names_) upstreams.emplace_back(name, server_.listener(name));
    front_.start(upstreams);
  }

  void TearDown() override {
    if (HasFailure()) fmt::print("---- the front's log ----\n{}-------------------------\n", front_.log());
  }

  bool is(FrontKind kind) const { return GetParam().front == kind; }

  Response ask(const HttpRequest& request, milliseconds patience = kPatience, BodySink sink = {}) const {
    return fetch(front_.endpoint(), request, patience, std::move(sink));
  }

  // Sends `body` to the app `echo` and compares what comes back.
  void expect_echo(const Body& body, milliseconds patience = kPatience) const {
    BodyCheck check(body);
    const Response response = ask(HttpRequest::post("/echo", body), patience, check.sink());
    EXPECT_TRUE(response.complete(200)) << response;
    EXPECT_EQ(check.difference(), "");
  }

  // Sends `body` to the app `echo` and compares its hash.
  void expect_hash(const Body& body, const std::string& sha256, milliseconds patience = kPatience) const {
    const Response response = ask(HttpRequest::post("/echo?sha256", body), patience);
    EXPECT_TRUE(response.complete(200)) << response;
    EXPECT_THAT(response.body, testing::HasSubstr(sha256));
  }

 private:
  static std::vector<std::string> names_of(const std::vector<App>& apps) {
    std::vector<std::string> names;
    for (const App& app : apps) names.push_back(app.name);
    return names;
  }

  static std::vector<App> listening(std::vector<App> apps) {
    for (App& app : apps) app.listen = {GetParam().over_unix ? "unix:" + app.name + ".sock" : "127.0.0.1:0"};
    return apps;
  }

  std::vector<std::string> names_;

 protected:
  Server server_;
  Front front_{GetParam().front};
};

}  // namespace harness
