// Pages and uploads through each front server, with the configuration that we give to people.
#include <algorithm>
#include <vector>

#include "harness/behind_front.h"
#include "harness/shipped.h"

namespace harness {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class FrontPages : public BehindFront {
 protected:
  FrontPages()
      : BehindFront({{.name = "hello", .plugin = plugin_file("hello")},
                     {.name = "env", .plugin = plugin_file("env")},
                     {.name = "echo", .plugin = plugin_file("echo")},
                     {.name = "repeat", .plugin = fixture_file("repeats_request")},
                     {.name = "told", .plugin = fixture_file("answers_as_told")}}) {}

  Response told(const std::string& answer) const { return ask(HttpRequest::get("/told").add("X-Answer", answer)); }

  // A body of two chunks, "small pieces", to `target`. With `wait`, the second one is not sent before an answer.
  Response upload_without_length(const std::string& target, bool wait = false) const {
    const HttpRequest request = HttpRequest("POST", target).add("Transfer-Encoding", "chunked");
    Connection client = Connection::to(front_.endpoint());
    EXPECT_TRUE(client.send(request.head() + "6\r\nsmall \r\n"));
    if (!wait) {
      EXPECT_TRUE(client.send("6\r\npieces\r\n0\r\n\r\n"));
    }
    return client.receive(request.reader());
  }
};

TEST_P(FrontPages, SmallOnesArrive) {
  const Response hello = ask(HttpRequest::get("/hello"));
  EXPECT_TRUE(hello.complete(200)) << hello;
  EXPECT_THAT(hello.body, HasSubstr("Hello"));

  const Response env = ask(HttpRequest::get("/env/a%20b?c=d&e").add("X-Colour", "octarine"));
  EXPECT_TRUE(env.complete(200)) << env;
  EXPECT_THAT(env.header("Content-Type").value_or(""), HasSubstr("text/plain"));
  for (const char* expected : {"REQUEST_URI", "/env/a%20b?c=d&e", "QUERY_STRING", "HTTP_X_COLOUR", "octarine"}) {
    EXPECT_THAT(env.body, HasSubstr(expected));
  }

  expect_echo(text_body("a small body"));
}

TEST_P(FrontPages, TheirVariablesAreWhatTheConfigurationsSay) {
  const HttpRequest request = HttpRequest::get("/repeat/a%20b?c=d&e").add("Proxy", "http://evil.example/");
  const std::string page = "\n" + ask(request).body;
  for (const char* line :
       {"\nSCGI=1\n", "\nCONTENT_LENGTH=0\n", "\nREQUEST_METHOD=GET\n", "\nREQUEST_URI=/repeat/a%20b?c=d&e\n",
        "\nQUERY_STRING=c=d&e\n", "\nSERVER_PROTOCOL=HTTP/1.1\n", "\nREMOTE_ADDR=127.0.0.1\n",
        "\nSERVER_NAME=localhost\n", "\nREQUEST_SCHEME=http\n"}) {
    EXPECT_THAT(page, HasSubstr(line));
  }
  EXPECT_THAT(page, HasSubstr(fmt::format("\nSERVER_PORT={}\n", front_.endpoint().port)));
  EXPECT_THAT(page, Not(HasSubstr("evil"))) << "httpoxy";
  switch (GetParam().front) {
    case FrontKind::kNginx: EXPECT_THAT(page, HasSubstr("\nDOCUMENT_URI=/repeat/a b\n")); break;
    case FrontKind::kApache:
      EXPECT_THAT(page, HasSubstr("\nSCRIPT_NAME=/repeat/a b\n"));
      EXPECT_THAT(page, Not(HasSubstr("\nPATH_INFO=")));
      break;
    case FrontKind::kLighttpd:
      EXPECT_THAT(page, HasSubstr("\nSCRIPT_NAME=/repeat\n"));
      EXPECT_THAT(page, HasSubstr("\nPATH_INFO=/a b\n"));
      break;
  }
}

TEST_P(FrontPages, AHeadOf40KilobytesArrives) {
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

TEST_P(FrontPages, RepeatedHeadersOfARequestArriveAsOne) {
  const HttpRequest request = HttpRequest::get("/repeat").add("X-Twice", "a").add("Cookie", "c=1").add("X-Twice", "b");
  const Response response = ask(request);
  EXPECT_TRUE(response.complete(200)) << response;
  EXPECT_THAT(response.body, HasSubstr("\nHTTP_X_TWICE=a, b\n"));
  EXPECT_THAT(response.body, HasSubstr("\nHTTP_COOKIE=c=1\n"));
}

TEST_P(FrontPages, RepeatedHeadersOfAResponseArriveEach) {
  const Response response = told("cookies");
  EXPECT_TRUE(response.complete(200)) << response;
  std::vector<std::string> cookies;
  for (const auto& [name, value] : response.headers) {
    if (name == "Set-Cookie") cookies.push_back(value);
  }
  EXPECT_THAT(cookies, ElementsAre("a=1", "b=2"));
}

TEST_P(FrontPages, HeadHasTheHeadersOfGetAndNoBody) {
  const Response page = ask(HttpRequest::get("/hello"));
  const Response head = ask(HttpRequest("HEAD", "/hello"));
  EXPECT_TRUE(head.complete(200)) << head;
  EXPECT_EQ(head.header("Content-Length"), page.header("Content-Length"));
  EXPECT_EQ(head.header("Content-Type"), page.header("Content-Type"));
}

TEST_P(FrontPages, WithoutABodyHaveNone) {
  for (const int status : {204, 304}) {
    const Response response = told(std::to_string(status));
    EXPECT_TRUE(response.complete(status)) << response;
    EXPECT_EQ(response.body, "");
  }
}

TEST_P(FrontPages, RedirectWithAndWithoutAStatus) {
  const Response found = told("location");
  EXPECT_TRUE(found.complete(302)) << found;
  EXPECT_EQ(found.header("Location"), "http://localhost/elsewhere");
  const Response moved = told("301");
  EXPECT_TRUE(moved.complete(301)) << moved;
  EXPECT_EQ(moved.header("Location"), "http://localhost/elsewhere");
}

TEST_P(FrontPages, BinaryDataArrivesAsItIs) {
  for (const std::uint64_t size : {0, 1, 255, 4096, 65535, 65536, 65537}) expect_echo(pattern_body(size));
}

TEST_P(FrontPages, AMegabyteGoesBothWays) {
  expect_echo(pattern_body(kMegabyte));
  // Of a million times "a": FIPS 180-2, appendix B.3.
  expect_hash(repeated_body('a', 1'000'000), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

// A front that stores an upload knows in the end how long it is; the others refuse it, as SCGI begins with the length.
TEST_P(FrontPages, UploadsWithoutALengthArriveWholeOrAreRefused) {
  if (is(FrontKind::kApache)) {
    const Response refused = upload_without_length("/echo", true);
    EXPECT_TRUE(refused.complete(411)) << refused;
    return;
  }
  const Response stored = upload_without_length("/echo");
  EXPECT_TRUE(stored.complete(200)) << stored;
  EXPECT_EQ(stored.body, "small pieces");
  const bool stores_all = is(FrontKind::kNginx);
  const Response live = upload_without_length("/live", !stores_all);
  EXPECT_TRUE(live.complete(stores_all ? 200 : 411)) << live;
}

TEST_P(FrontPages, SixteenParallelClientsGetTheirOwnAnswers) {
  // Sixteen clients queue for five workers: patience is for the last of them.
  expect_own_answers(
      [&](const std::string& text) { return ask(HttpRequest::post("/echo", text_body(text)), 4 * kPatience); });
}

INSTANTIATE_TEST_SUITE_P(Behind, FrontPages, all_front_roads(), testing::PrintToStringParamName());

}  // namespace
}  // namespace harness
