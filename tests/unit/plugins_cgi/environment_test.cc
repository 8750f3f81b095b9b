#include "environment.h"

#include <gmock/gmock.h>

#include <forklift/testing.hpp>

namespace cgi {
namespace {

using testing::Contains;
using testing::Each;
using testing::Not;
using testing::StartsWith;
using testing::UnorderedElementsAre;

class EnvironmentTest : public testing::Test {
 protected:
  std::vector<std::string> build(const forklift::testing::EnvTable& env, std::optional<std::uint64_t> body_bytes = 0) {
    return build_environment(forklift::Env(&env), request_, target_, settings_, body_bytes);
  }

  Request request_{.method = "GET", .uri = "/x/y?a", .query = "a", .base = "", .path = "/x/y"};
  Target target_{.file = "/srv/x", .interpreter = "", .script_name = "/x", .path_info = ""};
  Settings settings_;
};

TEST_F(EnvironmentTest, IsBuiltFromNothing) {
  ::setenv("OF_THE_WORKER", "x", 1);
  EXPECT_THAT(build({}),
              UnorderedElementsAre("GATEWAY_INTERFACE=CGI/1.1", "PATH=/usr/local/bin:/usr/bin:/bin", "QUERY_STRING=a",
                                   "REQUEST_METHOD=GET", "REQUEST_URI=/x/y?a", "SCRIPT_FILENAME=/srv/x",
                                   "SCRIPT_NAME=/x", "SERVER_PROTOCOL=HTTP/1.0", "SERVER_SOFTWARE=Forklift"));
}

TEST_F(EnvironmentTest, HasWhatTheFrontAddsAndWhatTheClientSays) {
  const auto environment = build({{"GIT_PROJECT_ROOT", "/srv/git"},
                                  {"HTTP_CONTENT_ENCODING", "gzip"},
                                  {"SERVER_SOFTWARE", "nginx"},
                                  {"CONTENT_LENGTH", "77"},
                                  {"SCRIPT_FILENAME", "proxy:scgi://x"},
                                  {"PATH_TRANSLATED", "proxy:y"},
                                  {"REDIRECT_STATUS", "404"}});
  EXPECT_THAT(environment, Contains("GIT_PROJECT_ROOT=/srv/git"));
  EXPECT_THAT(environment, Contains("HTTP_CONTENT_ENCODING=gzip"));
  EXPECT_THAT(environment, Contains("SERVER_SOFTWARE=nginx"));
  EXPECT_THAT(environment, Contains("SCRIPT_FILENAME=/srv/x"));
  EXPECT_THAT(environment, Contains("REDIRECT_STATUS=404"));
  EXPECT_THAT(environment, Each(Not(StartsWith("CONTENT_LENGTH="))));
  EXPECT_THAT(environment, Each(Not(StartsWith("PATH_TRANSLATED="))));
}

TEST_F(EnvironmentTest, BehindALocalRedirectionNothingOfTheBodyIsTold) {
  const forklift::testing::EnvTable env({{"CONTENT_LENGTH", "77"},
                                         {"CONTENT_TYPE", "text/csv"},
                                         {"HTTP_CONTENT_LENGTH", "77"},
                                         {"HTTP_CONTENT_TYPE", "text/csv"},
                                         {"HTTP_CONTENT_ENCODING", "br"},
                                         {"HTTP_HOST", "h"}});
  EXPECT_THAT(build(env, 77), Contains("CONTENT_TYPE=text/csv"));
  settings_.environment = {{"HTTP_CONTENT_LANGUAGE", "mine"}};
  const auto environment = build(env, std::nullopt);
  EXPECT_THAT(environment, Contains("HTTP_HOST=h"));
  EXPECT_THAT(environment, Contains("HTTP_CONTENT_LANGUAGE=mine"));
  for (const char* name :
       {"CONTENT_LENGTH=", "CONTENT_TYPE=", "HTTP_CONTENT_LENGTH=", "HTTP_CONTENT_TYPE=", "HTTP_CONTENT_ENCODING="}) {
    EXPECT_THAT(environment, Each(Not(StartsWith(name))));
  }
}

TEST_F(EnvironmentTest, NothingThatLoadersShellsAndInterpretersObey) {
  for (const char* name : {"HTTP_PROXY",
                           "PATH",
                           "LD_PRELOAD",
                           "LD_LIBRARY_PATH",
                           "LD_",
                           "BASH_ENV",
                           "ENV",
                           "IFS",
                           "SHELLOPTS",
                           "BASHOPTS",
                           "PS4",
                           "BASH_FUNC_x",
                           "BASH_FUNC_x%%",
                           "PERL5LIB",
                           "PERLIO_DEBUG",
                           "PERLLIB",
                           "ZDOTDIR",
                           "PERL5OPT",
                           "PYTHONPATH",
                           "RUBYOPT",
                           "NODE_OPTIONS",
                           "GCONV_PATH",
                           "GLIBC_TUNABLES",
                           "MALLOC_CHECK_",
                           "",
                           "A=B",
                           "=",
                           "1A",
                           "a-b",
                           "a b",
                           "\x80",
                           "HTTP_TRANSFER_ENCODING"}) {
    EXPECT_FALSE(may_enter_environment(name)) << name;
  }
  EXPECT_FALSE(may_enter_environment(std::string_view("A\0B", 3)));
  for (const char* name : {"HTTP_PROXY_X", "HTTPS", "_", "a1", "HTTP_ENV", "SSL_CLIENT_CERT"}) {
    EXPECT_TRUE(may_enter_environment(name)) << name;
  }
  EXPECT_THAT(build({{"PATH", "/evil"}, {"HTTP_PROXY", "evil"}, {"A=B", "evil"}}),
              Each(Not(testing::HasSubstr("evil"))));
}

TEST_F(EnvironmentTest, SettingsComeLast) {
  settings_.environment = {
      {"PATH", "/opt/bin"}, {"SCRIPT_NAME", "/mine"}, {"LD_PRELOAD", "x.so"}, {"A", "1"}, {"A", "2"}};
  const auto environment = build({{"A", "0"}});
  for (const char* entry : {"PATH=/opt/bin", "SCRIPT_NAME=/mine", "LD_PRELOAD=x.so", "A=2"}) {
    EXPECT_THAT(environment, Contains(entry));
  }
  EXPECT_THAT(environment, Each(Not(StartsWith("A=0"))));
}

TEST_F(EnvironmentTest, ThePathBehindTheProgram) {
  target_.path_info = "/a/b";
  EXPECT_THAT(build({}), Contains("PATH_INFO=/a/b"));
  EXPECT_THAT(build({}), Each(Not(StartsWith("PATH_TRANSLATED="))));
  EXPECT_THAT(build({{"DOCUMENT_ROOT", "/var/www"}}), Contains("PATH_TRANSLATED=/var/www/a/b"));
}

TEST_F(EnvironmentTest, ABodyHasALength) {
  EXPECT_THAT(build({}, 5), Contains("CONTENT_LENGTH=5"));
  request_.method = "POST";
  EXPECT_THAT(build({}), Contains("CONTENT_LENGTH=0"));
}

TEST_F(EnvironmentTest, PhpCgiIsToldThatItWasChosen) {
  target_.interpreter = "/usr/bin/php-cgi";
  EXPECT_THAT(build({{"REDIRECT_STATUS", "404"}}), Contains("REDIRECT_STATUS=200"));
}

}  // namespace
}  // namespace cgi
