// The plugins that we ship, behind nginx with the configuration that we give to people.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "harness/front.h"
#include "harness/http_request.h"
#include "harness/leftovers.h"
#include "harness/server.h"
#include "harness/shipped.h"

namespace harness {
namespace {

using testing::HasSubstr;

constexpr std::uint64_t kMegabyte = 1024 * 1024;

// 100 MB go through nginx's files and a sanitized worker on a machine that runs other tests too.
constexpr milliseconds kBigPatience = seconds(90);

enum class Road { kTcp, kUnix };

// hello, env and echo behind an nginx that reaches them by TCP or by Unix sockets.
class BehindNginx : public testing::TestWithParam<Road> {
 protected:
  BehindNginx() : server_({shipped_app("hello"), shipped_app("env"), shipped_app("echo", "limits: {body: 128M}")}) {}

  void SetUp() override {
    server_.start();
    const std::size_t listener = GetParam() == Road::kUnix ? 1 : 0;
    nginx_.start({{"hello", server_.listener("hello", listener)},
                  {"env", server_.listener("env", listener)},
                  {"echo", server_.listener("echo", listener)}});
  }

  void TearDown() override {
    if (HasFailure()) fmt::print("---- nginx's log ----\n{}---------------------\n", nginx_.log());
  }

  Response ask(const HttpRequest& request, milliseconds patience = kPatience, BodySink sink = {}) {
    return fetch(nginx_.endpoint(), request, patience, std::move(sink));
  }

  // Sends `body` to echo and compares what comes back.
  void expect_echo(const Body& body, milliseconds patience) {
    BodyCheck check(body);
    const Response response = ask(HttpRequest::post("/echo", body), patience, check.sink());
    EXPECT_TRUE(response.complete(200)) << response;
    EXPECT_EQ(check.difference(), "");
  }

  void expect_hash(const Body& body, const std::string& sha256, milliseconds patience) {
    const Response response = ask(HttpRequest::post("/echo?sha256", body), patience);
    EXPECT_TRUE(response.complete(200)) << response;
    EXPECT_THAT(response.body, HasSubstr(sha256));
  }

  Server server_;
  Front nginx_{FrontKind::kNginx};
};

TEST_P(BehindNginx, SmallPagesArrive) {
  const Response hello = ask(HttpRequest::get("/hello"));
  EXPECT_TRUE(hello.complete(200)) << hello;
  EXPECT_THAT(hello.body, HasSubstr("Hello"));

  const Response env = ask(HttpRequest::get("/env/a%20b?c=d&e").add("X-Colour", "octarine"));
  EXPECT_TRUE(env.complete(200)) << env;
  EXPECT_THAT(env.header("Content-Type").value_or(""), HasSubstr("text/plain"));
  for (const char* expected : {"REQUEST_URI", "/env/a%20b?c=d&e", "QUERY_STRING", "HTTP_X_COLOUR", "octarine"}) {
    EXPECT_THAT(env.body, HasSubstr(expected));
  }

  expect_echo(text_body("a small body"), kPatience);
}

TEST_P(BehindNginx, AHeadOf40KilobytesArrives) {
  HttpRequest request = HttpRequest::get("/env");
  std::vector<std::string> values;
  for (char letter = 'a'; letter < 'f'; ++letter) {
    values.push_back(std::string(8000, letter));
    request.add(fmt::format("X-Long-{}", letter), values.back());
  }
  const Response response = ask(request);
  EXPECT_TRUE(response.complete(200)) << response.outcome << " " << response.status;
  for (const std::string& value : values) EXPECT_NE(response.body.find(value), std::string::npos);
}

TEST_P(BehindNginx, HeadHasTheHeadersOfGetAndNoBody) {
  const Response page = ask(HttpRequest::get("/hello"));
  const Response head = ask(HttpRequest("HEAD", "/hello"));
  EXPECT_TRUE(head.complete(200)) << head;
  EXPECT_EQ(head.header("Content-Length"), page.header("Content-Length"));
  EXPECT_EQ(head.header("Content-Type"), page.header("Content-Type"));
}

TEST_P(BehindNginx, BinaryDataArrivesAsItIs) {
  for (const std::uint64_t size : {0, 1, 255, 4096, 65535, 65536, 65537}) {
    expect_echo(pattern_body(size), kPatience);
  }
}

TEST_P(BehindNginx, AMegabyteGoesBothWays) {
  expect_echo(pattern_body(kMegabyte), kPatience);
}

TEST_P(BehindNginx, AHundredMegabytesGoBothWays) {
  expect_echo(pattern_body(100 * kMegabyte), kBigPatience);
}

TEST_P(BehindNginx, UploadsAreHashed) {
  // Of a million times "a": FIPS 180-2, appendix B.3. The other: head -c 104857600 /dev/zero | sha256sum
  expect_hash(repeated_body('a', 1'000'000), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
              kPatience);
  expect_hash(repeated_body('\0', 100 * kMegabyte), "20492a4d0d84f8beb1767f6616229f85d44c2827b64bdbfb260ee12fa1109e0e",
              kBigPatience);
}

TEST_P(BehindNginx, SixteenParallelClientsGetTheirOwnAnswers) {
  // Sixteen clients queue for five workers: patience is for the last of them.
  expect_own_answers(
      [&](const std::string& text) { return ask(HttpRequest::post("/echo", text_body(text)), 4 * kPatience); });
}

INSTANTIATE_TEST_SUITE_P(Over, BehindNginx, testing::Values(Road::kTcp, Road::kUnix),
                         [](const auto& test) { return test.param == Road::kTcp ? "Tcp" : "Unix"; });

}  // namespace
}  // namespace harness
