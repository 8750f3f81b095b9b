// What only nginx does: asks one app whether another one may answer, and a second server where the first has no worker;
// and refuses a head that is larger than its buffer.
#include "harness/behind_front.h"

namespace harness {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class FrontNginx : public testing::Test {
 protected:
  FrontNginx()
      : server_({{.name = "told", .plugin = fixture_file("answers_as_told")},
                 {.name = "echo", .plugin = plugin_file("echo")},
                 {.name = "hello", .plugin = plugin_file("hello")}}) {
    server_.start();
  }

  void TearDown() override {
    if (HasFailure()) fmt::print("---- nginx's log ----\n{}---------------------\n", nginx_.log());
  }

  Response ask(const HttpRequest& request) const { return fetch(nginx_.endpoint(), request); }

  Server server_;
  Front nginx_{FrontKind::kNginx};
};

// In conf/nginx.conf `hello` decides about the pages of `env`.
TEST_F(FrontNginx, PassesARequestWithItsBodyWhereAnotherAppAllowsIt) {
  nginx_.start({{"hello", server_.listener("told")}, {"env", server_.listener("echo")}});
  const HttpRequest request = HttpRequest::post("/members", text_body("secret"));
  const Response allowed = ask(HttpRequest(request).add("X-Answer", "page"));
  EXPECT_TRUE(allowed.complete(200)) << allowed;
  EXPECT_EQ(allowed.body, "secret");
  const Response refused = ask(HttpRequest(request).add("X-Answer", "401"));
  EXPECT_TRUE(refused.complete(401)) << refused;
}

// Our file gives it 16 KiB for a head, where it has a page by default. The log warns in either case: who reads it may
// have another file.
TEST_F(FrontNginx, MakesA502OfACookieThatIsLargerThanItsBuffer) {
  constexpr std::string_view kBuffer = "scgi_buffer_size 16k;";
  const HttpRequest request = HttpRequest::get("/hello").add("X-Answer", "large_cookie");
  for (const bool is_default : {false, true}) {
    std::string conf = read_file(source_file(front_conf_file(FrontKind::kNginx)));
    const auto at = conf.find(kBuffer);
    ASSERT_NE(at, conf.npos);
    if (is_default) conf.erase(at, kBuffer.size());
    Front nginx(FrontKind::kNginx);
    nginx.set_conf(conf);
    nginx.start({{"hello", server_.listener("told")}});
    const Response response = fetch(nginx.endpoint(), request);
    EXPECT_TRUE(response.complete(is_default ? 502 : 200)) << response;
    EXPECT_EQ(nginx.log().find("upstream sent too big header") != std::string::npos, is_default) << nginx.log();
  }
  const std::string log = server_.log();
  const auto warning = log.find(" warning app \"told\" ");
  ASSERT_NE(warning, log.npos);
  EXPECT_THAT(log.substr(warning, log.find('\n', warning) - warning),
              HasSubstr("GET \"/hello\": the head of the response has 92"));
  EXPECT_NE(log.find(" warning app \"told\" ", warning + 1), log.npos);
}

TEST_F(FrontNginx, AsksAnotherServerInsteadOfOneThatIsAway) {
  nginx_.start({{"pair", Endpoint::parse("unix:/nobody/listens/here")}, {"pair", server_.listener("hello")}});
  for (int i = 0; i < 4; ++i) {
    const Response page = ask(HttpRequest::post("/pair", text_body("also what is not sent yet")));
    EXPECT_TRUE(page.complete(200)) << page;
  }
  EXPECT_THAT(nginx_.log(), HasSubstr("/nobody/listens/here"));
}

TEST_F(FrontNginx, AsksAnotherServerForTheAnswer503ButNeverForAPost) {
  nginx_.start({{"pair", server_.listener("told")}, {"pair", server_.listener("hello")}});
  std::vector<int> statuses;
  for (int i = 0; i < 2; ++i) {
    statuses.push_back(ask(HttpRequest::post("/pair", text_body("x")).add("X-Answer", "503")).status);
  }
  EXPECT_THAT(statuses, testing::UnorderedElementsAre(200, 503)) << "each of the two servers has got one";
  for (int i = 0; i < 4; ++i) {
    const Response page = ask(HttpRequest::get("/pair").add("X-Answer", "503"));
    EXPECT_TRUE(page.complete(200)) << page;
    EXPECT_THAT(page.body, HasSubstr("Hello"));
  }
}

}  // namespace
}  // namespace harness
