// CGI programs through the whole server: the request in, the page out, standard error to the log.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "harness/cgi_site.h"

namespace harness {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

// The index is that of the listener: TCP, Unix.
class Cgi : public testing::TestWithParam<std::size_t>, public CgiSite {
 protected:
  Response get(const std::string& name) { return CgiSite::get(name, GetParam()); }
  Response post(const std::string& name, std::string body) { return CgiSite::post(name, std::move(body), GetParam()); }
  void expect_page(const Response& response, const std::string& page) {
    EXPECT_TRUE(response.complete(200)) << response;
    EXPECT_TRUE(response.body == page) << response.body.size() << " bytes instead of " << page.size() << ": "
                                       << response.body.substr(0, 200);
  }
};

INSTANTIATE_TEST_SUITE_P(Over, Cgi, testing::Values(0, 1),
                         [](const auto& road) { return std::string(road.param == 0 ? "Tcp" : "Unix"); });

std::string text(std::size_t bytes) {
  std::string all;
  for (std::size_t i = 0; all.size() < bytes; ++i) all += std::to_string(i) + " ";
  all.resize(bytes);
  return all;
}

TEST_P(Cgi, APageAndItsHeaders) {
  add("page", "printf 'Content-Type: text/html\\r\\nX-A: 1\\r\\nX-A: 2\\r\\n\\r\\n<p>page'");
  add("status", "printf 'Status: 418 I am a Teapot\\nContent-Type: text/plain\\n\\nshort'");
  add("moved", "printf 'Location: http://host/elsewhere\\n\\n'");
  add("split", "for c in C ontent-Type: ' text/' plain '\n' '\n' pa ge; do printf \"$c\"; sleep 0.01; done");
  server().start();
  Response response = get("page");
  expect_page(response, "<p>page");
  EXPECT_EQ(response.header("Content-Type"), "text/html");
  EXPECT_THAT(response.raw_head, HasSubstr("X-A: 1\r\nX-A: 2\r\n"));
  EXPECT_EQ(response.reason, "OK");
  response = get("status");
  EXPECT_TRUE(response.complete(418)) << response;
  EXPECT_EQ(response.reason, "I am a Teapot");
  response = get("moved");
  EXPECT_TRUE(response.complete(302)) << response;
  EXPECT_EQ(response.header("Location"), "http://host/elsewhere");
  expect_page(get("split"), "page");
}

TEST_P(Cgi, WhereThereIsNoBodyNoneIsSent) {
  add("page", kPlain + "echo page");
  add("204", "printf 'Status: 204 No Content\\nX-A: b\\n\\nnobody may see this'");
  add("304", "printf 'Status: 304 Not Modified\\nX-A: b\\n\\nnobody may see this'");
  server().start();
  Response response = fetch(listener(GetParam()), ScgiRequest("HEAD", "/bin/page"));
  EXPECT_TRUE(response.complete(200)) << response;
  EXPECT_EQ(response.body, "");
  for (const int status : {204, 304}) {
    response = get(std::to_string(status));
    EXPECT_TRUE(response.complete(status)) << response;
    EXPECT_EQ(response.body, "");
    EXPECT_EQ(response.header("X-A"), "b");
  }
}

// As both of what it succeeds cannot.
TEST_P(Cgi, MegabytesBothWaysInWhateverOrder) {
  add("echo", kPlain + "cat");
  add("before", kPlain + "head -c 3000000 /dev/zero | tr '\\0' x; cat");
  add("deaf", kPlain + "head -c 3000000 /dev/zero | tr '\\0' x");
  add("exits", kPlain + "exit 0");
  add("closes", "exec <&-\n" + kPlain + "sleep 0.2; echo page");
  add("count", kPlain + "sleep 0.2; wc -c");
  server().start();
  const std::string body = text(3'000'000);
  const std::string zeros(3'000'000, 'x');
  expect_page(post("echo", body), body);
  expect_page(post("before", body), zeros + body);
  expect_page(post("deaf", body), zeros);
  expect_page(post("exits", body), "");
  expect_page(post("closes", body), "page\n");
  expect_page(post("count", body), "3000000\n");
  expect_page(get("echo"), "");
}

TEST_P(Cgi, ThePageIsStreamed) {
  add("slow", kPlain + "echo first; while [ ! -e ../go ]; do sleep 0.01; done; echo second");
  server().start();
  Connection connection = Connection::to(listener(GetParam()));
  const auto request = ScgiRequest::get("/bin/slow");
  ASSERT_TRUE(connection.send(request.bytes()));
  std::string page;
  while (page.find("first\n") == page.npos) {
    const std::string piece = connection.receive_some(1000);
    ASSERT_NE(piece, "") << page;
    page += piece;
  }
  write_file(folder() / "go", "");
  const std::string rest = connection.receive_some(1000);
  EXPECT_EQ(rest, "second\n");
}

TEST_P(Cgi, ThePathLeadsToTheProgram) {
  add("env", kPlain + "echo \"$SCRIPT_NAME|$PATH_INFO|$QUERY_STRING|$REQUEST_METHOD|$0|$#\"; pwd");
  server().start();
  const std::string folder_line = folder() / "bin";
  const std::string file = folder() / "bin/env";
  expect_page(get("env/more%2520of/it?-d+a=b"),
              "/bin/env|/more%20of/it|-d+a=b|GET|" + file + "|0\n" + folder_line + "\n");
  const auto ask = [&](const std::string& uri, const std::string& script, const std::string& path) {
    return fetch(listener(GetParam()), ScgiRequest::get(uri).add("SCRIPT_NAME", script).add("PATH_INFO", path));
  };
  expect_page(ask("/x", "/smart", "/bin/env/y"), "/smart/bin/env|/y||GET|" + file + "|0\n" + folder_line + "\n");
  expect_page(ask("/x", "", "/bin/env"), "/bin/env|||GET|" + file + "|0\n" + folder_line + "\n");
}

TEST_P(Cgi, WhatIsNotThereIs404AndWhatMayNotBeRun403) {
  add("data", "", 0644);
  std::filesystem::create_directory(folder() / "bin/folder");
  std::filesystem::create_symlink("/bin/true", folder() / "bin/out");
  server().start();
  EXPECT_TRUE(get("missing").complete(404));
  EXPECT_TRUE(get("../etc").complete(404));
  EXPECT_TRUE(get("a/%2e%2e/%2e%2e/etc").complete(404));
  EXPECT_TRUE(get("%zz").complete(400));
  EXPECT_TRUE(get("a%00b").complete(404));
  EXPECT_TRUE(fetch(listener(GetParam()), ScgiRequest::get("/elsewhere")).complete(404));
  EXPECT_TRUE(get("data").complete(403));
  EXPECT_TRUE(get("folder/").complete(403));
  EXPECT_TRUE(get("out").complete(403));
  EXPECT_TRUE(server().wait_for_log("GET \"/bin/out\" answered 403: "));
  EXPECT_THAT(server().log(), HasSubstr("GET \"/elsewhere\" answered 404: no mount for the path \"/elsewhere\""));
}

TEST_P(Cgi, BadProgramsAre500AndTheLogSaysWhy) {
  const std::pair<const char*, const char*> bad[] = {
      {"#!/no/such/interpreter\n", "it cannot be run: No such file or directory (its first line names an interpreter"},
      {"#!/bin/sh\r\necho\r\n", "a carriage return behind it counts"},
      {"\x7f"
       "ELF garbage",
       "it cannot be run: Exec format error"},
      {"exit 0", "it has written nothing"},
      {"exit 3", "it has written nothing; it exited with status 3"},
      {"kill -SEGV $$", "it has written nothing; it was killed by signal 11"},
      {"printf 'Content-Type: text/plain\\n'",
       "its output ends before its headers do: \"Content-Type: text/plain\\n\""},
      {"printf '<html>\\033\\001\\n\\nsecret'", "begins with a line that is no header: \"<html>\\x1b\\x01\""},
      {"yes secret | head -c 100000", "begins with a line"},
      {"head -c 100000 /dev/zero", "no header block in the first 65536 bytes (limits.head): \"\\x00"},
      {"printf '\\nsecret'", "begins with a blank line instead of headers"},
      {"printf 'HTTP/1.1 200 OK\\r\\nA: b\\r\\n\\r\\nsecret'",
       "an HTTP status line: \"HTTP/1.1 200 OK\"; programs that"},
      {"printf 'Status: abc\\n\\nsecret'", "Status is \"abc\""},
      {"printf 'A b: c\\n\\nsecret'", "a header has the name \"A b\""},
      {"printf 'Content-Length: 1\\nContent-Length: 2\\n\\ns'", "a second Content-Length"},
      {"printf 'Location: /nowhere/secret\\n\\n'",
       "its local redirection (RFC 3875, 6.2.2) to \"/nowhere/secret\" leads to no mount"},
      {"printf 'Location: /bin/%%zz\\n\\n'", "to \"/bin/%zz\": the path \"/bin/%zz\" has a %"},
  };
  int number = 0;
  for (const auto& [program, reason] : bad) {
    add("bad" + std::to_string(number++), program);
    server().expect_error("answered 500: *" + std::string(reason).substr(0, 30));
  }
  server().start();
  number = 0;
  for (const auto& [program, reason] : bad) {
    const Response response = get("bad" + std::to_string(number++));
    EXPECT_TRUE(response.complete(500)) << program << ": " << response;
    EXPECT_THAT(response.body, Not(HasSubstr("secret"))) << program;
    EXPECT_TRUE(server().wait_for_log(reason)) << program;
  }
}

TEST_P(Cgi, ADeclaredLengthIsHeld) {
  add("more", "printf 'Content-Length: 5\\n\\n12345678'");
  add("less", "printf 'Content-Length: 5\\n\\n1234'");
  add("crash", kPlain + "echo half; while [ ! -e ../go ]; do sleep 0.01; done; kill -SEGV $$");
  server().expect_error("GET \"/bin/more\" *Content-Length");
  server().expect_error("GET \"/bin/less\" *Content-Length");
  server().expect_error("GET \"/bin/crash\" aborted: *was killed by signal 11");
  server().start();
  for (const char* name : {"more", "less"}) {
    const Response response = get(name);
    EXPECT_FALSE(response.complete(200)) << name << response;
    EXPECT_THAT(response.body, Not(HasSubstr("6"))) << name;
  }
  Connection connection = Connection::to(listener(GetParam()));
  const auto request = ScgiRequest::get("/bin/crash");
  ASSERT_TRUE(connection.send(request.bytes()));
  ASSERT_NE(connection.receive_some(1), "");
  write_file(folder() / "go", "");
  EXPECT_EQ(connection.receive(request.reader()).ending, Ending::kReset);
}

TEST_P(Cgi, StandardErrorIsTheLogLineByLine) {
  add("errors", "echo before >&2; " + kPlain +
                    "printf 'in two ' >&2; printf page; sleep 0.05; echo 'parts\\033' >&2; printf 'no end' >&2");
  add("long", kPlain + "head -c 20000 /dev/zero | tr '\\0' L >&2; echo >&2; echo page");
  add("flood", "yes 'a line of the flood' | head -c 300000 >&2; " + kPlain +
                   "yes | head -c 1000000; yes 'and more' | head -c 300000 >&2");
  server().start();
  expect_page(get("errors"), "page");
  const std::string name = "\"" + (folder() / "bin/errors") + "\": ";
  for (const char* line : {"before\n", "in two parts\\x1b\n", "no end\n"}) {
    EXPECT_TRUE(server().wait_for_log(name + line)) << line;
  }
  expect_page(get("long"), "page\n");
  EXPECT_TRUE(server().wait_for_log("LL\n"));
  EXPECT_THAT(server().log(), AllOf(HasSubstr("L ...\n"), HasSubstr("... L")));
  const std::string log = server().log();
  std::size_t letters = 0;
  for (const char* beginning : {"bin/long\": L", "bin/long\": ... L"}) {
    for (std::size_t at = log.find(beginning); at != log.npos; at = log.find(beginning, at + 1)) {
      const std::size_t start = log.find('L', at);
      letters += std::min(log.find_first_not_of('L', start), log.size()) - start;
    }
  }
  EXPECT_EQ(letters, 20'000U);
  const Response flood = get("flood");
  EXPECT_TRUE(flood.complete(200)) << flood;
  EXPECT_EQ(flood.body.size(), 1'000'000U);
}

TEST_P(Cgi, ALocalRedirectionIsAnsweredByItsTarget) {
  add("here", "cat >/dev/null; printf 'Location: /bin/there/x?a=b\\n\\nnothing of this'");
  add("there",
      "printf 'Status: 203 Fine\\n\\n'; echo \"$REQUEST_METHOD $PATH_INFO $QUERY_STRING ${CONTENT_LENGTH-none}\"; cat");
  add("loop", "printf 'Location: /bin/loop\\n\\n'");
  server().expect_error("GET \"/bin/loop\" answered 500: more local redirections than 10");
  server().start();
  const Response response = post("here", "a body");
  EXPECT_TRUE(response.complete(203)) << response;
  EXPECT_EQ(response.body, "GET /x a=b none\n");
  EXPECT_TRUE(get("loop").complete(500));
}

// RFC 3875, 4.1.3: the body is gone, and so is what the request says of it.
TEST_P(Cgi, TheTargetOfALocalRedirectionIsToldOfNoBody) {
  add("here", "printf 'Location: /bin/env\\n\\n'");
  add("env", kPlain + "env");
  server().start();
  const auto ask = [&](const char* program) {
    return "\n" + fetch(listener(GetParam()), ScgiRequest::post(std::string("/bin/") + program, "a body")
                                                  .add("CONTENT_TYPE", "text/csv")
                                                  .add("HTTP_CONTENT_TYPE", "text/csv")
                                                  .add("HTTP_CONTENT_LENGTH", "6")
                                                  .add("HTTP_CONTENT_ENCODING", "gzip")
                                                  .add("HTTP_HOST", "example.org"))
                      .body;
  };
  EXPECT_THAT(ask("env"), AllOf(HasSubstr("\nCONTENT_TYPE=text/csv\n"), HasSubstr("\nCONTENT_LENGTH=6\n"),
                                HasSubstr("\nHTTP_CONTENT_ENCODING=gzip\n")));
  EXPECT_THAT(ask("here"), AllOf(HasSubstr("\nREQUEST_METHOD=GET\n"), HasSubstr("\nHTTP_HOST=example.org\n"),
                                 Not(HasSubstr("CONTENT_"))));
}

TEST_P(Cgi, AnExitStatusIsLogged) {
  add("fails", kPlain + "echo page; exit 3");
  server().start();
  expect_page(get("fails"), "page\n");
  EXPECT_TRUE(server().wait_for_log("bin/fails\" exited with status 3"));
}

TEST_P(Cgi, ABodyThatBreaksOffIsNeverTakenForAWholeOne) {
  add("stores", kPlain + "cat >../stored; echo whole >../whole; echo page");
  server().start();
  Connection connection = Connection::to(listener(GetParam()));
  auto request = ScgiRequest::post("/bin/stores", "12345");
  ASSERT_TRUE(connection.send(request.promise(10).bytes()));
  connection.shut_down_sending();
  const Response response = connection.receive(request.reader());
  EXPECT_TRUE(response.complete(400)) << response;
  EXPECT_TRUE(has_no_programs());
  EXPECT_FALSE(std::filesystem::exists(folder() / "whole"));
}

}  // namespace
}  // namespace harness
