// What becomes of CGI programs, their children and what they were given, however their requests end.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <thread>

#include "harness/cgi_aborts.h"
#include "harness/cgi_site.h"
#include "harness/processes.h"

namespace harness {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

// Says that it runs, and who its child is.
const std::string kSleeps = "sleep 1000 & echo $! >../child; echo $$ >../self; wait; wait\n";
const std::string kIgnoresTerm = "trap '' TERM; sleep 1000 & echo $! >../child; echo $$ >../self; wait; wait; wait\n";

class CgiProcess : public testing::TestWithParam<std::size_t> {
 protected:
  // A request that is not answered yet, with the program running.
  Connection ask(CgiSite& site, const std::string& name, std::size_t listener) {
    Connection connection = Connection::to(site.listener(listener));
    EXPECT_TRUE(connection.send(ScgiRequest::get("/bin/" + name).bytes()));
    self_ = site.pid_in("self");
    child_ = site.pid_in("child");
    return connection;
  }
  void expect_gone(milliseconds patience = kPatience) {
    EXPECT_TRUE(wait_until_gone(self_, patience));
    EXPECT_TRUE(wait_until_gone(child_, patience));
  }

  pid_t self_ = 0;
  pid_t child_ = 0;
};

INSTANTIATE_TEST_SUITE_P(Over, CgiProcess, testing::Values(0, 1),
                         [](const auto& road) { return std::string(road.param == 0 ? "Tcp" : "Unix"); });

TEST_P(CgiProcess, IsGivenNothingButItsRequest) {
  CgiSite site("environment: {A_SETTING: x, GIT_PROJECT_ROOT: /srv}\npass: [PASSED, NOT_THERE]\n",
               "environment: {PASSED: y, SECRET: z}\n");
  site.add("tells_all", read_file(program_file("tells_all")));
  site.server().start();
  auto request = ScgiRequest::post("/bin/tells_all/p?-s+arg", "12345");
  for (const auto& [name, value] : {std::pair{"HTTP_PROXY", "evil"},
                                    {"PATH", "evil"},
                                    {"LD_PRELOAD", "evil"},
                                    {"BASH_ENV", "evil"},
                                    {"IFS", "evil"},
                                    {"ENV", "evil"},
                                    {"PYTHONPATH", "evil"},
                                    {"A-B", "evil"},
                                    {"OF_THE_FRONT", "kept"},
                                    {"HTTP_CONTENT_ENCODING", "gzip"}}) {
    request.add(name, value);
  }
  const Response response = fetch(site.listener(GetParam()), request);
  EXPECT_TRUE(response.complete(200)) << response;
  EXPECT_THAT(response.body,
              AllOf(HasSubstr("\nA_SETTING=x\n"), HasSubstr("\nGIT_PROJECT_ROOT=/srv\n"), HasSubstr("\nPASSED=y\n"),
                    HasSubstr("\nOF_THE_FRONT=kept\n"), HasSubstr("\nPATH=/usr/local/bin:/usr/bin:/bin\n"),
                    HasSubstr("\nGATEWAY_INTERFACE=CGI/1.1\n"), HasSubstr("\nCONTENT_LENGTH=5\n"),
                    HasSubstr("\nHTTP_CONTENT_ENCODING=gzip\n"), HasSubstr("\ninput 5\n")));
  for (const char* no : {"evil", "SECRET", "argument 1", "fd 3", "socket:", "USER="}) {
    EXPECT_THAT(response.body, Not(HasSubstr(no)));
  }
  for (const char* name : {"SigBlk:\t0000000000000000", "SigIgn:\t0000000000000000"}) {
    EXPECT_THAT(response.body, HasSubstr(name));
  }
  EXPECT_THAT(response.body, HasSubstr("folder " + (site.folder() / "bin") + "\n"));
}

TEST_P(CgiProcess, EndsWithAClientThatIsGone) {
  CgiSite site;
  site.add("sleeps", kPlain + "echo first\n" + kSleeps);
  site.server().start();
  Connection connection = ask(site, "sleeps", GetParam());
  EXPECT_NE(connection.receive_some(1000), "");
  connection.reset();
  expect_gone();
  EXPECT_TRUE(site.server().wait_for_log("GET \"/bin/sleeps\": the client closed the connection"));
}

TEST_P(CgiProcess, AnEndOfTheHalfIsEnoughWhereTheListenerSaysSo) {
  CgiSite site;
  site.add("sleeps", kSleeps);
  site.server().start();
  Connection connection = ask(site, "sleeps", GetParam() + 2);
  connection.shut_down_sending();
  expect_gone();
  EXPECT_TRUE(site.server().wait_for_log("GET \"/bin/sleeps\": the client closed the connection"));
}

TEST_P(CgiProcess, ATimeoutIsA504) {
  CgiSite site("timeout: 300ms\n");
  site.add("sleeps", kSleeps);
  site.server().expect_error("GET \"/bin/sleeps\" answered 504: *it has neither read nor written for 300 ms");
  site.server().start();
  EXPECT_TRUE(site.get("sleeps", GetParam()).complete(504));
  self_ = site.pid_in("self");
  child_ = site.pid_in("child");
  expect_gone();
}

TEST_P(CgiProcess, ATimeoutInThePageIsAnAbort) {
  CgiSite site("timeout: 3s\n");
  site.add("sleeps", kPlain + "echo half\n" + kSleeps);
  site.server().expect_error("GET \"/bin/sleeps\" aborted: *it has neither read nor written for 3000 ms");
  site.server().start();
  const Response response = site.get("sleeps", GetParam());
  EXPECT_EQ(response.ending, Ending::kReset) << response;
  self_ = site.pid_in("self");
  expect_gone();
}

// Five seconds of work, in which it is never silent for as long as the timeout.
TEST_P(CgiProcess, ATimeoutIsForASilentProgramOnly) {
  CgiSite site("timeout: 3s\n");
  site.add("works", kPlain + "for i in 1 2 3 4 5; do echo $i; sleep 1; done");
  site.server().start();
  EXPECT_TRUE(site.get("works", GetParam()).complete(200));
}

// Neither our timeout nor the master's.
TEST_P(CgiProcess, NorForOneThatWritesItsHeadersSlowly) {
  CgiSite site("timeout: 3s\n", "timeouts: {request: 4s}\n");
  site.add("works", "for i in 1 2 3 4 5; do echo X-$i: y; sleep 1; done\n" + kPlain + "echo page");
  site.server().start();
  const Response response = site.get("works", GetParam());
  EXPECT_TRUE(response.complete(200)) << response;
}

// What it writes nobody gets, but to close the pipe would kill it. The next program has its whole time.
TEST_P(CgiProcess, AProgramThatGoesOnBehindALocalRedirectionEndsAndIsFollowed) {
  CgiSite site("timeout: 3s\ngrace: 500ms\n", "timeouts: {request: 5s}\n");
  site.add("page", "sleep 2\n" + kPlain + "echo page");
  site.add("works", "printf 'Location: /bin/page\\n\\n'; for i in 1 2; do echo $i; sleep 1; done; echo >../done");
  site.add("endless", "printf 'Location: /bin/page\\n\\n'; exec yes");
  site.add("sleeps", "printf 'Location: /bin/page\\n\\n'; exec sleep 1000");
  site.server().start();
  for (const char* name : {"works", "endless", "sleeps"}) {
    const Response response =
        fetch(site.listener(GetParam()), ScgiRequest::get(std::string("/bin/") + name), seconds(30));
    EXPECT_TRUE(response.complete(200)) << name << response;
    EXPECT_EQ(response.body, "page\n") << name;
  }
  EXPECT_TRUE(std::filesystem::exists(site.folder() / "done"));
  EXPECT_TRUE(site.server().wait_for_log("bin/endless\" has not exited though its answer has no page: it was ended"));
  EXPECT_TRUE(site.has_no_programs());
}

TEST_P(CgiProcess, AFloodOnStandardErrorHoldsNothingUp) {
  CgiSite site("timeout: 1s\n", "timeouts: {request: 20s}\n");
  site.add("flood", "yes '' >&2");
  site.server().expect_error("GET \"/bin/flood\" answered 504: *it has neither read nor written for 1000 ms");
  site.server().start();
  EXPECT_TRUE(fetch(site.listener(GetParam()), ScgiRequest::get("/bin/flood"), seconds(15)).complete(504));
  EXPECT_TRUE(site.has_no_programs());
}

TEST_P(CgiProcess, AnEndlessPageThatNobodyGetsEnds) {
  CgiSite site("timeout: 3s\n");
  site.add("endless", kPlain + "exec yes");
  site.server().start();
  const Response response = fetch(site.listener(GetParam()), ScgiRequest("HEAD", "/bin/endless"), seconds(60));
  EXPECT_TRUE(response.complete(200)) << response;
  EXPECT_TRUE(site.has_no_programs());
  EXPECT_TRUE(site.server().wait_for_log("has not exited though its answer has no page: it was ended"));
}

// It reads what waits for it in memory and in a file, and neither our timeout nor the master's ends it meanwhile.
TEST_P(CgiProcess, ATimeoutIsForOneThatDoesNotReadEither) {
  CgiSite site("timeout: 3s\n", "timeouts: {request: 4s}\n");
  site.add("reads", "for i in 1 2 3 4 5; do head -c 500000 >/dev/null; sleep 1; done\n" + kPlain + "wc -c");
  site.server().start();
  const Response response = site.post("reads", std::string(3'000'000, 'b'), GetParam());
  EXPECT_TRUE(response.complete(200)) << response;
}

TEST_P(CgiProcess, ABodyThatFitsNowhereIsARequestLost) {
  CgiSite site("", "rlimits: {fsize: 1M}\n");
  site.add("deaf", kPlain + "sleep 0.5; wc -c");
  site.server().expect_error(
      "POST \"/bin/deaf\" answered 500: *its body can be kept nowhere: writing a temporary file in /tmp (TMPDIR): File "
      "too large");
  site.server().start();
  EXPECT_TRUE(site.post("deaf", std::string(8'000'000, 'b'), GetParam()).complete(500));
}

// It is past the grace then, but what is there of the page is still to be sent.
TEST_P(CgiProcess, AClientThatDoesNotReadCostsNoTimeOfTheProcessor) {
  CgiSite site("grace: 200ms\n");
  site.add("large", kPlain + "head -c 20000000 /dev/zero & exit 0");
  site.server().start();
  Connection connection = Connection::to(site.listener(GetParam()));
  const auto request = ScgiRequest::get("/bin/large");
  ASSERT_TRUE(connection.send(request.bytes()));
  ASSERT_NE(connection.receive_some(1), "");
  const pid_t worker = children_of(site.server().pid()).at(0).pid;
  std::this_thread::sleep_for(milliseconds(500));  // past the grace
  const milliseconds before = cpu_time_of(worker);
  std::this_thread::sleep_for(seconds(1));  // in which nothing is to happen
  EXPECT_LT(cpu_time_of(worker) - before, milliseconds(200));
  connection.reset();
  EXPECT_TRUE(site.has_no_programs());
}

TEST_P(CgiProcess, WhoIgnoresTermIsKilledAfterTheGrace) {
  CgiSite site("timeout: 200ms\ngrace: 300ms\n");
  site.add("stubborn", kIgnoresTerm);
  site.server().expect_error("answered 504");
  site.server().start();
  EXPECT_TRUE(site.get("stubborn", GetParam()).complete(504));
  self_ = site.pid_in("self");
  child_ = site.pid_in("child");
  expect_gone();
  EXPECT_TRUE(site.server().wait_for_log("ignored TERM for 300 ms, and was killed"));
}

TEST_P(CgiProcess, AnEndOfOutputWithoutAnExitEndsAfterTheGrace) {
  CgiSite site("grace: 300ms\n");
  site.add("stays", kPlain + "echo page; exec >&-\n" + kSleeps);
  site.server().start();
  const Response response = site.get("stays", GetParam());
  EXPECT_TRUE(response.complete(200)) << response;
  EXPECT_EQ(response.body, "page\n");
  self_ = site.pid_in("self");
  child_ = site.pid_in("child");
  expect_gone();
  EXPECT_TRUE(site.server().wait_for_log("has closed its output and did not exit"));
}

TEST_P(CgiProcess, AnExitWithoutAnEndOfOutputEndsAfterTheGrace) {
  CgiSite site("grace: 300ms\n");
  site.add("leaves", kPlain + "echo page; sleep 1000 & echo $! >../child; echo $$ >../self; exit 0");
  site.add("writes", kPlain + "yes & echo $! >../child2; exit 0");
  site.server().start();
  const Response response = site.get("leaves", GetParam());
  EXPECT_TRUE(response.complete(200)) << response;
  EXPECT_EQ(response.body, "page\n");
  self_ = site.pid_in("self");
  child_ = site.pid_in("child");
  expect_gone();
  EXPECT_TRUE(site.server().wait_for_log("a process that it has started kept its output open"));
  const Response endless =
      fetch(site.listener(GetParam()), ScgiRequest::get("/bin/writes"), seconds(30), [](std::string_view) {});
  EXPECT_TRUE(endless.complete(200)) << endless;
  EXPECT_TRUE(wait_until_gone(site.pid_in("child2")));
}

// timeout(1) makes a group of its own, and so does a shell with jobs.
TEST_P(CgiProcess, WhatHasAnotherGroupEndsWithTheRequest) {
  CgiSite site("timeout: 300ms\n");
  site.add("waits", "timeout 100 sh -c 'echo $$ >../child; exec sleep 100'");
  site.add("runs", "echo $$ >../self; exec timeout 100 sh -c 'sleep 100 & echo $! >../child2; wait'");
  site.add("has_jobs", "#!/bin/bash -m\nsleep 100 & echo $! >../child3; wait");
  site.server().expect_error("GET \"/bin/waits\" answered 504");
  site.server().expect_error("GET \"/bin/runs\" answered 504");
  site.server().expect_error("GET \"/bin/has_jobs\" answered 504");
  site.server().start();
  for (const char* name : {"waits", "runs", "has_jobs"}) {
    EXPECT_TRUE(site.get(name, GetParam()).complete(504)) << name;
  }
  for (const char* name : {"self", "child", "child2", "child3"}) {
    EXPECT_TRUE(wait_until_gone(site.pid_in(name))) << name;
  }
  EXPECT_TRUE(site.has_no_programs());
}

TEST_P(CgiProcess, WhatHasAnotherGroupGoesWithTheServerThatStopsAtOnce) {
  CgiSite site("timeout: 0\n");
  site.add("waits", "echo $$ >../self; timeout 100 sh -c 'echo $$ >../child; exec sleep 100'");
  site.server().expect_error("*GET \"/bin/waits\"*");
  site.server().skip_rest("a second signal stops at once");
  site.server().start();
  Connection connection = ask(site, "waits", GetParam());
  site.server().signal(SIGTERM);
  EXPECT_TRUE(site.server().wait_for_log("stopping"));
  site.server().signal(SIGTERM);
  EXPECT_EQ(site.server().wait(), ExitStatus::exited(0));
  expect_gone();
}

TEST_P(CgiProcess, ADaemonLivesOn) {
  CgiSite site;
  site.add("daemon", "setsid sh -c 'echo $$ >../child; exec sleep 1000' >/dev/null 2>&1 </dev/null &\n" + kPlain +
                         "while [ ! -s ../child ]; do sleep 0.01; done; echo page");
  site.server().start();
  EXPECT_TRUE(site.get("daemon", GetParam()).complete(200));
  const pid_t daemon = site.pid_in("child");
  EXPECT_TRUE(site.has_no_programs());
  const auto process = find_process(daemon);
  ASSERT_TRUE(process.has_value());
  EXPECT_NE(process->state, 'Z');
  ::kill(daemon, SIGKILL);  // it is a child of this test by now, or of its reaper
  EXPECT_TRUE(wait_until_gone(daemon));
}

// By the master: the worker runs nothing more of its own.
TEST_P(CgiProcess, GoesWithItsWorkerThatIsKilled) {
  CgiSite site("timeout: 0\n", "timeouts: {request: 500ms}\n");
  site.add("sleeps", kSleeps);
  site.server().expect_error("killed by timeouts.request with GET \"/bin/sleeps\"");
  site.server().start();
  EXPECT_TRUE(site.get("sleeps", GetParam()).complete(504));
  self_ = site.pid_in("self");
  child_ = site.pid_in("child");
  expect_gone();
}

TEST_P(CgiProcess, GoesWithItsWorkerThatDies) {
  CgiSite site;
  site.add("crashes",
           "sleep 1000 & echo $! >../child; echo $$ >../self; kill -KILL $(ps -o ppid= $(ps -o ppid= $$)); wait");
  site.server().expect_error("died of signal 9 (Killed) with GET \"/bin/crashes\"");
  site.server().start();
  EXPECT_TRUE(site.get("crashes", GetParam()).complete(502));
  self_ = site.pid_in("self");
  child_ = site.pid_in("child");
  expect_gone();
}

TEST_P(CgiProcess, GoesWithTheServerThatStopsAtOnce) {
  CgiSite site("timeout: 0\n");
  site.add("sleeps", kSleeps);
  site.server().expect_error("*GET \"/bin/sleeps\"*");
  site.server().skip_rest("a second signal stops at once");
  site.server().start();
  Connection connection = ask(site, "sleeps", GetParam());
  site.server().signal(SIGTERM);
  EXPECT_TRUE(site.server().wait_for_log("stopping"));
  site.server().signal(SIGTERM);
  EXPECT_EQ(site.server().wait(), ExitStatus::exited(0));
  expect_gone();
}

TEST_P(CgiProcess, VariablesThatNoEnvironmentTakesAreA431) {
  CgiSite site("", "limits: {head: 1M}\n");
  site.add("page", kPlain + "echo page");
  site.server().start();
  auto request = ScgiRequest::get("/bin/page");
  request.add("HTTP_X_LONG", std::string(140'000, 'x'));
  EXPECT_TRUE(fetch(site.listener(GetParam()), request).complete(431));
  EXPECT_TRUE(site.server().wait_for_log("Argument list too long (the request's variables"));
}

TEST(CgiAborts, ClientsThatLeaveLeaveNothingBehind) {
  abort_programs(36);
}

}  // namespace
}  // namespace harness
