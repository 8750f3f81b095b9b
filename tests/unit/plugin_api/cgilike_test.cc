// forklift/cgilike.hpp: a CGI program as a plugin, called again and again in this process.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <forklift/testing.hpp>
#include <iostream>
#include <string>
#include <vector>

namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

using forklift::testing::Plugin;
using forklift::testing::Request;
using forklift::testing::Response;

// What a request may not leave changed.
struct State {
  std::array<std::pair<dev_t, ino_t>, 3> files;
  std::vector<std::string> environment;
  std::size_t descriptors = 0;

  bool operator==(const State& other) const {
    return files == other.files && environment == other.environment && descriptors == other.descriptors;
  }
};

State look() {
  State state;
  for (int fd = 0; fd < 3; ++fd) {
    struct stat status {};
    EXPECT_EQ(::fstat(fd, &status), 0) << fd;
    state.files[static_cast<std::size_t>(fd)] = {status.st_dev, status.st_ino};
  }
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) state.environment.emplace_back(*entry);
  for (int fd = 0; fd < 256; ++fd) state.descriptors += ::fcntl(fd, F_GETFD) != -1;
  return state;
}

class CgiLike : public testing::Test {
 protected:
  CgiLike() {
    ::setenv("HOME", "/home/of/the/worker", 1);  // also makes the array of `environ` the C library's own
    before_ = look();
  }
  ~CgiLike() override { EXPECT_TRUE(look() == before_) << "something is left changed"; }

  Response ask(const std::string& what, const std::string& body = "") {
    return plugin_.produce(Request::of({{"CONTENT_LENGTH", std::to_string(body.size())},
                                        {"QUERY_STRING", what},
                                        {"REQUEST_URI", "/deed"},
                                        {"HTTP_PROXY", "http://evil"},
                                        {"PATH", "/of/the/front"},
                                        {"LD_PRELOAD", "evil.so"},
                                        {"HTTP_HOST", "example.org"}})
                               .body(body));
  }
  void expect_page(const std::string& what, const std::string& body, const std::string& page) {
    const Response response = ask(what, body);
    EXPECT_TRUE(response.ok()) << response.failure;
    EXPECT_EQ(response.header("Content-Type"), "text/plain");
    EXPECT_EQ(response.body, page);
    EXPECT_TRUE(look() == before_) << what;
  }
  // A request that finds nothing of the one before.
  void expect_fresh() {
    const Response response = ask("", "one line\nand another");
    EXPECT_TRUE(response.ok()) << response.failure;
    EXPECT_EQ(response.header("Content-Type"), "text/plain");
    EXPECT_THAT(response.body, AllOf(EndsWith("\n\none line\nand another\n16\n"), Not(HasSubstr("LEFT_BEHIND")),
                                     HasSubstr("\nREQUEST_URI=/deed\n")));
    expect_page("stdin", "abc", "3 294\n");
  }

  Plugin plugin_ = Plugin::load(CGILIKE_AS_TOLD);
  State before_;
};

TEST_F(CgiLike, GivesTheRequestAsEnvironmentOnTopOfTheProcesss) {
  const Response response = ask("", "the body");
  EXPECT_TRUE(response.ok()) << response.failure;
  EXPECT_THAT(response.body, AllOf(HasSubstr("\nHOME=/home/of/the/worker\n"),
                                   HasSubstr("\nGATEWAY_INTERFACE=CGI/1.1\n"), HasSubstr("\nHTTP_HOST=example.org\n"),
                                   HasSubstr("\nCONTENT_LENGTH=8\n"), EndsWith("\n\nthe body\n16\n")));
  for (const char* dangerous : {"HTTP_PROXY", "/of/the/front", "LD_PRELOAD"}) {
    EXPECT_THAT(response.body, Not(HasSubstr(dangerous)));
  }
}

TEST_F(CgiLike, GivesTheBodyByEveryWayToReadIt) {
  for (const char* how : {"cin", "stdin", "read"}) {
    expect_page(how, "", "0 0\n");
    expect_page(how, "abc", "3 294\n");
    expect_page(how, std::string(10'000'000, 'x'), "10000000 1200000000\n");
  }
}

TEST_F(CgiLike, TakesAPageOfAnySize) {
  const Response response = ask("big");
  EXPECT_TRUE(response.ok()) << response.failure;
  EXPECT_EQ(response.body.size(), 10'000'000U);
  EXPECT_THAT(response.body, EndsWith("099999\n"));
}

TEST_F(CgiLike, LetsItWriteBeforeItReadsOrNeverRead) {
  const std::string body(300'000, 'b');
  expect_page("before", body, std::string(200'000, 'w') + body);
  expect_page("deaf", body, "page");
  expect_fresh();
}

TEST_F(CgiLike, ForgetsWhatWasReadAhead) {
  for (int i = 0; i < 2; ++i) {
    expect_page("some", "first\nsecond\nleft over by request " + std::to_string(i), "first+second\n");
    expect_fresh();
  }
}

TEST_F(CgiLike, FailuresSendNothingOfThePage) {
  for (const auto& [what, reason] : {std::pair("fails", "the program returned 3"), std::pair("throws", "out of paper"),
                                     std::pair("unflushed", "the program has written more")}) {
    const Response response = ask(what);
    EXPECT_EQ(response.status, 500) << what;
    EXPECT_THAT(response.failure, HasSubstr(reason));
    EXPECT_EQ(response.body, "500 Internal Server Error\n") << what;
    EXPECT_TRUE(look() == before_) << what;
    expect_fresh();
  }
}

TEST_F(CgiLike, PutsBackWhatTheProgramHasClosedOrReplaced) {
  for (const char* what : {"closes", "shuffles"}) {
    expect_page(what, "body", "page");
    expect_fresh();
  }
}

TEST_F(CgiLike, PutsBackTheEnvironmentWhateverWasDoneToIt) {
  for (int i = 0; i < 3; ++i) {
    expect_page("changes", "", "/home/of/the/worker\n");
    expect_fresh();
  }
}

TEST_F(CgiLike, PutsBackTheStateOfTheStreams) {
  expect_page("formats", "body", "page");
  EXPECT_TRUE(std::cin.good());
  EXPECT_EQ(std::cout.exceptions(), std::ios::goodbit);
  expect_fresh();
}

// As a constructor may have said it.
TEST_F(CgiLike, TakesStreamsThatThrow) {
  for (std::ios* stream : {static_cast<std::ios*>(&std::cin), static_cast<std::ios*>(&std::cout)}) {
    stream->exceptions(std::ios::badbit | std::ios::failbit);
    for (int i = 0; i < 2; ++i) expect_page("deaf", "body", "page");
    expect_page("formats", "body", "page");
    EXPECT_EQ(stream->exceptions(), std::ios::badbit | std::ios::failbit);
    stream->exceptions(std::ios::goodbit);
  }
  expect_fresh();
}

TEST_F(CgiLike, AForkedChildWritesIntoThePageAndEndsWhenItReturns) {
  expect_page("forks", "", "first second");
}

TEST_F(CgiLike, WhatWasPrintedBeforeDoesNotGetIntoThePage) {
  std::printf("printed by the host ");
  std::cout << "and by its C++";
  expect_page("deaf", "", "page");
  std::cout << "\n";
}

TEST_F(CgiLike, DoesNotRunTheProgramForABodyThatBreaksOff) {
  const Request deaf = Request::of({{"QUERY_STRING", "deaf"}}).body("0123456789");
  EXPECT_EQ(plugin_.produce(Request(deaf).body_breaks_off_after(9)).status, 400);
  EXPECT_EQ(plugin_.produce(Request(deaf).body_stalls_after(9)).status, 408);
  const Response left = plugin_.produce(Request(deaf).client_leaves_after_sending(9));
  EXPECT_TRUE(left.client_gone);
  EXPECT_EQ(left.status, 0);
}

}  // namespace
