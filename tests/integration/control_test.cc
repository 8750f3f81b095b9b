// The control socket of a running server, and the commands that use it.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <vector>

#include "harness/command.h"
#include "harness/scgi_request.h"
#include "harness/serve.h"
#include "harness/server.h"

namespace harness {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;

App hello(const std::string& listen = "127.0.0.1:0") {
  return {.name = "hello", .plugin = plugin_file("hello"), .listen = {listen}};
}

Endpoint control_of(const Server& server) {
  return Endpoint::parse("unix:" + (server.folder() / "run/control"));
}

bool answers(const Server& server) {
  return fetch(server.listener("hello"), ScgiRequest::get("/")).complete(200);
}

// All that comes, until the end.
std::string rest_of(Connection& connection, milliseconds patience = kPatience) {
  std::string text;
  for (std::string some; !(some = connection.receive_some(65536, patience)).empty();) text += some;
  return text;
}

TEST(StopCommand, ReturnsWhenTheServerHasEnded) {
  Server server({hello()}, "pid_file: pid\n");
  server.start();
  ASSERT_TRUE(server.at_rest());
  server.skip_rest("a command stops it");
  Command stop("stop", server);
  EXPECT_EQ(stop.wait(), ExitStatus::exited(0)) << stop.output();
  EXPECT_EQ(stop.output(), "");
  for (const char* gone : {"run", "pid"}) EXPECT_FALSE(fs::exists(server.folder() / gone)) << gone;
  EXPECT_EQ(server.wait(), ExitStatus::exited(0));
  EXPECT_THAT(server.log(), AllOf(HasSubstr("asks for a stop"), EndsWith("stopped\n")));

  Command again("stop", server);
  EXPECT_EQ(again.wait(), ExitStatus::exited(1));
  EXPECT_EQ(
      again.output(),
      fmt::format("forklift: stop: {}: no server runs there; --control names the socket where it is another one\n",
                  server.folder() / "run/control"));
}

TEST(StopCommand, WaitsForWhatIsInFlightAndMayBeInterrupted) {
  Server server({{.name = "hangs", .plugin = fixture_file("hangs"), .more = "timeouts: {request: 3s, stop: 8s}\n"}});
  server.expect_error("killed by timeouts.request");
  server.start();
  server.skip_rest("it is stopped in the middle of its work");
  Connection asked = Connection::to(server.listener("hangs"));
  const ScgiRequest request = ScgiRequest::get("/");
  ASSERT_TRUE(asked.send(request.bytes()));
  Command interrupted("stop", server);
  ASSERT_TRUE(server.wait_for_log("asks for a stop"));
  Command patient("stop", server);
  EXPECT_TRUE(interrupted.child().signal(SIGINT));
  EXPECT_EQ(interrupted.wait(), ExitStatus::killed(SIGINT));
  EXPECT_THAT(interrupted.output(), HasSubstr("what the server was asked for goes on; see `forklift status`"));
  EXPECT_EQ(status_of(server)->getValue<std::string>("state"), "stopping");
  EXPECT_TRUE(asked.receive(request.reader(), seconds(10)).complete(504));
  EXPECT_EQ(patient.wait(seconds(20)), ExitStatus::exited(0)) << patient.output();
  EXPECT_EQ(server.wait(), ExitStatus::exited(0));
}

TEST(ReloadCommand, TellsWhatHasBecomeOfEachApp) {
  Server server({hello(), App{.name = "other", .plugin = plugin_file("env")}});
  server.start();
  Command all("reload", server);
  EXPECT_EQ(all.wait(), ExitStatus::exited(0)) << all.output();
  EXPECT_THAT(all.output(), AllOf(HasSubstr("hello"), HasSubstr("other"), HasSubstr("reloaded")));
  EXPECT_EQ(status_of(server)->getObject("last_reload")->getValue<bool>("ok"), true);

  Command one("reload", server, {"--app", "other"});
  EXPECT_EQ(one.wait(), ExitStatus::exited(0)) << one.output();
  EXPECT_THAT(one.output(), AllOf(HasSubstr("other"), Not(HasSubstr("hello"))));
  Command restart("restart", server, {"--app", "hello"});
  EXPECT_EQ(restart.wait(), ExitStatus::exited(0)) << restart.output();
  EXPECT_THAT(restart.output(), AllOf(HasSubstr("restarted"), Not(HasSubstr("reloaded"))));
  EXPECT_THAT(server.log(), HasSubstr("restart: 1 app reloaded, 0 added, 0 removed, 0 failed"));
  const auto apps = status_of(server)->getArray("apps");
  EXPECT_EQ(apps->getObject(0)->getValue<int>("generation"), 3) << "hello: at the start, reload, restart";
  EXPECT_EQ(apps->getObject(1)->getValue<int>("generation"), 3) << "other: at the start, reload, reload --app";
  EXPECT_TRUE(answers(server));
}

// In whatever order they come to their end.
TEST(ReloadCommand, TellsOfAppsInTheOrderOfTheFile) {
  const App hangs{.name = "hello", .plugin = fixture_file("create_hangs"), .more = "timeouts: {start: 500ms}\n"};
  const App other{.name = "other", .plugin = plugin_file("env")};
  Server server({hello(), other});
  server.start();
  EXPECT_THAT(server.log(),
              HasSubstr(fmt::format("from {}; its control socket is {}\n", fs::canonical(server.config_file()).string(),
                                    control_of(server).path)));
  server.expect_error("app \"hello\": generation 2 failed at CREATED: *; generation 1 stays");
  server.configure({hangs, other});
  Connection client = Connection::to(control_of(server));
  ASSERT_TRUE(client.send("{\"command\":\"reload\"}\n"));
  const std::string events = rest_of(client);
  EXPECT_THAT(events, HasSubstr(R"({"event":"progress","app":"hello","text":"generation 2 waits for CREATED"})"));
  EXPECT_LT(events.rfind(R"("app":"hello")"), events.rfind(R"("app":"other")"));
  server.configure({hello(), other});
}

TEST(ReloadCommand, FailsWithTheReason) {
  Server server({hello()});
  server.start();
  server.configure({App{.name = "hello", .plugin = fixture_file("create_crashes")}});
  server.expect_error("app \"hello\": generation 2 failed at CREATED: *; generation 1 stays");
  Command failed("reload", server);
  EXPECT_EQ(failed.wait(), ExitStatus::exited(1));
  EXPECT_THAT(failed.output(), HasSubstr("failed at CREATED"));

  server.spoil_config("runtime_dir: run\napps: 17\n");
  server.expect_error("reload: *server.yaml:2:7: apps: must be a list*");
  server.expect_error("reload: nothing has changed");
  Command broken("reload", server);
  EXPECT_EQ(broken.wait(), ExitStatus::exited(1));
  EXPECT_THAT(broken.output(),
              AllOf(HasSubstr("server.yaml:2:7: apps: must be a list"), EndsWith("\nnothing has changed\n")));
  EXPECT_TRUE(answers(server));

  server.configure({hello()});
  Command nobody("restart", server, {"--app", "nobody"});
  server.expect_error("restart: there is no app \"nobody\"");
  server.expect_error("restart: nothing has changed");
  EXPECT_EQ(nobody.wait(), ExitStatus::exited(1));
  EXPECT_THAT(nobody.output(), HasSubstr("there is no app \"nobody\""));
}

TEST(ControlSocket, IsRemovedAtTheEnd) {
  Server server({hello()}, "control: commands.sock\n");
  server.start();
  EXPECT_TRUE(fs::is_socket(server.folder() / "commands.sock"));
  EXPECT_EQ(server.stop(), ExitStatus::exited(0));
  EXPECT_FALSE(fs::exists(server.folder() / "commands.sock"));
}

TEST(ControlSocket, OfAKilledServerIsReplaced) {
  Server server({hello("unix:hello.sock")});
  server.start();
  server.skip_rest("it is killed");
  const auto workers = children_of(server.pid());
  server.signal(SIGKILL);
  EXPECT_EQ(server.wait(), ExitStatus::killed(SIGKILL));
  for (const Process& worker : workers) EXPECT_TRUE(wait_until_gone(worker.pid));
  ASSERT_TRUE(fs::exists(control_of(server).path));
  Command lost("status", server);
  EXPECT_EQ(lost.wait(), ExitStatus::exited(1));
  EXPECT_THAT(lost.output(), HasSubstr("no server runs there"));

  Serve next({.file = server.config_file(), .output = server.folder() / "next"});
  EXPECT_TRUE(next.ready()) << next.output();
  EXPECT_EQ(status_of(server)->getValue<int>("pid"), next.child().pid());
  Command stop("stop", server);
  EXPECT_EQ(stop.wait(), ExitStatus::exited(0)) << stop.output();
  EXPECT_EQ(next.child().wait(kPatience), ExitStatus::exited(0));
  EXPECT_FALSE(fs::exists(control_of(server).path));
}

TEST(ControlSocket, OfAnotherServerIsNotTaken) {
  const TempDir folder;
  const std::string more = fmt::format("control: {}\n", folder / "control");
  Server first({hello()}, more);
  Server second({hello()}, more);
  first.start();
  second.expect_error(fmt::format("could not start: control: listen on unix:{}: another server is listening there",
                                  folder / "control"));
  second.launch();
  EXPECT_EQ(second.wait(), ExitStatus::exited(1));
  EXPECT_EQ(status_of(first)->getValue<int>("pid"), first.pid());
}

// As root, somebody else tries; an ordinary user can become nobody else and sees the mode alone (the unit test of the
// socket has a stranger for both).
TEST(ControlSocket, IsForRootAndItsUserAlone) {
  Server server({hello()});
  server.start();
  const std::string path = control_of(server).path;
  struct stat status {};
  ASSERT_EQ(lstat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600U);
  EXPECT_EQ(status.st_uid, geteuid());
  if (geteuid() != 0) return;

  const std::vector<std::string> stranger{"/usr/bin/setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"};
  ASSERT_EQ(chmod(server.folder().path().c_str(), 0711), 0);
  ASSERT_EQ(chmod((server.folder() / "run").c_str(), 0711), 0);
  Command closed({"stop", "--control", path}, stranger);
  EXPECT_EQ(closed.wait(), ExitStatus::exited(1));
  EXPECT_THAT(closed.output(), HasSubstr("only root and the user who has started the server may control it"));
  ASSERT_EQ(chmod(path.c_str(), 0666), 0);
  Command open({"stop", "--control", path}, stranger);
  EXPECT_EQ(open.wait(), ExitStatus::exited(1));
  EXPECT_THAT(open.output(), HasSubstr("user 65534 may not control this server; only root and user 0 may"));
  EXPECT_THAT(server.log(), HasSubstr("control: refused user 65534"));
  EXPECT_TRUE(answers(server));
}

TEST(ControlSocket, ClientsThatAreSilentSlowOrFloodDisturbNobody) {
  Server server({hello()});
  server.start();
  std::vector<Connection> silent;
  for (int i = 0; i < 14; ++i) silent.push_back(Connection::to(control_of(server)));
  Connection slow = Connection::to(control_of(server));
  ASSERT_TRUE(slow.send("{\"command\":"));
  Connection flooding = Connection::to(control_of(server));
  flooding.send(std::string(2'000'000, '{'));
  EXPECT_THAT(rest_of(flooding), HasSubstr("a request has at most 4096 bytes"));
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(answers(server));

  silent.push_back(Connection::to(control_of(server)));
  EXPECT_THAT(rest_of(silent.back(), 2 * kPatience), AllOf(HasSubstr("no request within 5 s"), HasSubstr("error")))
      << "it is one of sixteen";
  EXPECT_THAT(rest_of(slow, 2 * kPatience), HasSubstr("no request within 5 s"));
  silent.clear();
  EXPECT_EQ(status_of(server)->getValue<int>("pid"), server.pid());
}

}  // namespace
}  // namespace harness
