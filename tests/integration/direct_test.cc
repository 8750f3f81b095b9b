// The plugins that we ship, asked directly: large heads and bodies, binary data, many clients, over both kinds of
// sockets.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/scgi_request.h"
#include "harness/server.h"
#include "harness/shipped.h"

namespace harness {
namespace {

// 100 MB go through a sanitized worker on a machine that runs other tests too.
constexpr milliseconds kBigPatience = seconds(90);

// The index is that of the listener: TCP, Unix.
class Direct : public testing::TestWithParam<std::size_t> {
 protected:
  Direct() : server_({shipped_app("hello"), shipped_app("env"), shipped_app("echo", "limits: {body: 128M}")}) {}
  void SetUp() override { server_.start(); }

  Endpoint endpoint(const std::string& name) const { return server_.listener(name, GetParam()); }

  void expect_echo(const std::string& uri, const Body& body, milliseconds patience) {
    BodyCheck check(body);
    const Response response = fetch(endpoint("echo"), ScgiRequest::post(uri, body), patience, check.sink());
    EXPECT_TRUE(response.complete(200)) << uri << ": " << response;
    EXPECT_EQ(check.difference(), "") << uri;
  }

  Server server_;
};

TEST_P(Direct, AHeadOf40KilobytesArrives) {
  ScgiRequest request = ScgiRequest::get("/");
  const std::string value(40'000, 'v');
  request.add("HTTP_X_LONG", value);
  const Response response = fetch(endpoint("env"), request);
  EXPECT_TRUE(response.complete(200)) << response.outcome << " " << response.status;
  EXPECT_NE(response.body.find(value), std::string::npos);
}

TEST_P(Direct, BinaryDataArrivesAsItIs) {
  for (const char* uri : {"/", "/?stream"}) {
    for (const std::uint64_t size : {0, 1, 255, 4095, 4096, 16384, 65535, 65536, 65537, 81920}) {
      expect_echo(uri, pattern_body(size), kPatience);
    }
  }
}

TEST_P(Direct, OneAndAHundredMegabytesGoBothWaysOneAfterTheOtherAndAtOnce) {
  for (const char* uri : {"/", "/?stream"}) {
    expect_echo(uri, pattern_body(kMegabyte), kPatience);
    expect_echo(uri, pattern_body(100 * kMegabyte), kBigPatience);
  }
}

TEST_P(Direct, SixteenParallelClientsGetTheirOwnAnswers) {
  // Sixteen clients queue for five workers: patience is for the last of them.
  expect_own_answers([&](const std::string& text) {
    return fetch(endpoint("echo"), ScgiRequest::post("/", text_body(text)), 4 * kPatience);
  });
}

INSTANTIATE_TEST_SUITE_P(Over, Direct, testing::Values(0, 1),
                         [](const auto& road) { return std::string(road.param == 0 ? "Tcp" : "Unix"); });

}  // namespace
}  // namespace harness
