// The keys of a listener: who may connect to a Unix socket, and what the end of a client's half means.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>

#include "harness/processes.h"
#include "harness/scgi_request.h"
#include "harness/server.h"
#include "harness/site.h"
#include "harness/stop_point.h"

namespace harness {
namespace {

using testing::HasSubstr;

// Of no user and no group on any machine.
constexpr gid_t kFront = 54321;
constexpr gid_t kOther = 54322;
constexpr uid_t kSomebody = 54321;

// 0, or the errno with which somebody of this user and group fails to connect. As root.
int connect_as(uid_t user, gid_t group, const Endpoint& endpoint) {
  const pid_t pid = fork();
  if (pid == 0) {
    if (setgroups(1, &group) != 0 || setresgid(group, group, group) != 0 || setresuid(user, user, user) != 0) {
      _exit(255);
    }
    _exit(connect_to(endpoint) ? 0 : errno);
  }
  int status = 0;
  waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

App app_on(std::string listen) {
  return {.name = "app", .plugin = plugin_file("hello"), .listen = {std::move(listen)}};
}

mode_t mode_of(const std::string& path) {
  struct stat status {};
  EXPECT_EQ(stat(path.c_str(), &status), 0);
  return status.st_mode & 0777;
}

TEST(UnixSocket, IsForTheFrontsGroupOnly) {
  const gid_t group = is_root() ? kFront : getegid();
  Server server({app_on(fmt::format("{{address: unix:app.sock, group: {}}}", group))});
  server.start();
  const Endpoint& endpoint = server.listener("app");
  EXPECT_EQ(mode_of(endpoint.path), 0660U);
  if (is_root()) {
    // The folder is the test's own; others are let through to the socket.
    std::filesystem::permissions(server.folder().path(), std::filesystem::perms(0711));
    EXPECT_EQ(connect_as(kSomebody, kFront, endpoint), 0);
    EXPECT_EQ(connect_as(kSomebody, kOther, endpoint), EACCES);
  }
  EXPECT_TRUE(fetch(endpoint, ScgiRequest::get("/")).complete(200));
}

TEST(UnixSocket, IsForItsOwnerOnlyWhereTheModeSaysSo) {
  const uid_t owner = is_root() ? kSomebody : geteuid();
  Server server({app_on(fmt::format("{{address: unix:app.sock, owner: {}, mode: \"0600\"}}", owner))});
  server.start();
  const Endpoint& endpoint = server.listener("app");
  EXPECT_EQ(mode_of(endpoint.path), 0600U);
  if (is_root()) {
    std::filesystem::permissions(server.folder().path(), std::filesystem::perms(0711));
    EXPECT_EQ(connect_as(kSomebody, kOther, endpoint), 0);
    EXPECT_EQ(connect_as(kSomebody + 1, getegid(), endpoint), EACCES);
  }
  EXPECT_TRUE(fetch(endpoint, ScgiRequest::get("/")).complete(200));
}

TEST(UnixSocket, IsForEverybodyWhereTheModeSaysSo) {
  Server server({app_on("{address: unix:app.sock, mode: \"0666\"}")});
  server.start();
  EXPECT_EQ(mode_of(server.listener("app").path), 0666U);
  if (is_root()) {
    std::filesystem::permissions(server.folder().path(), std::filesystem::perms(0711));
    EXPECT_EQ(connect_as(kSomebody, kOther, server.listener("app")), 0);
  }
}

TEST(UnixSocket, OfSomebodyWhomNobodyKnowsIsNoStart) {
  Server server({app_on("{address: unix:app.sock, group: no-such-group}")});
  server.expect_error(
      "could not start: app \"app\": listen on unix:*/app.sock: group: there is no group \"no-such-group\"");
  server.launch();
  EXPECT_EQ(server.wait(), ExitStatus::exited(1));
  EXPECT_FALSE(std::filesystem::exists(server.folder() / "app.sock"));
}

// A server whose only worker stands still with a request, and whose next client has asked and closed its half.
class HalfClose : public testing::TestWithParam<Road> {
 protected:
  App app(std::string_view half_close) const {
    return {.name = "app",
            .plugin = fixture_file("stops_where_told"),
            .listen = {fmt::format("{{address: \"{}\", half_close: {}}}",
                                   GetParam() == Road::kUnix ? "unix:app.sock" : "127.0.0.1:0", half_close)},
            .more = "workers: {min: 1, max: 1}\naccess_log: {file: access.log, format: $status}\n"};
  }

  Connection ask(const Server& server, const ScgiRequest& request) {
    Connection connection = Connection::to(server.listener("app"));
    EXPECT_TRUE(connection.send(request.head()));
    return connection;
  }

  // What comes of the client that has closed its half.
  Response outcome(Server& server) {
    const ScgiRequest stops =
        ScgiRequest::get("/").add("HTTP_X_STOP", "first").add("HTTP_X_CONTROL", stop_point_.path());
    Connection busy = ask(server, stops);
    Stopped worker = stop_point_.wait();
    const ScgiRequest request = ScgiRequest::get("/half");
    Connection half = ask(server, request);
    half.shut_down_sending();
    worker.go_on();
    EXPECT_NE(writer_of_whole_page(busy.receive(stops.reader())), 0);
    return half.receive(request.reader());
  }

  StopPoint stop_point_;
};

INSTANTIATE_TEST_SUITE_P(By, HalfClose, testing::Values(Road::kTcp, Road::kUnix), testing::PrintToStringParamName());

TEST_P(HalfClose, IsAnsweredByDefault) {
  Server server({app("answer")});
  server.start();
  EXPECT_NE(writer_of_whole_page(outcome(server)), 0);
  EXPECT_EQ(server.stop(), ExitStatus::exited(0));
  EXPECT_EQ(read_file(server.folder() / "access.log"), "200\n200\n");
}

TEST_P(HalfClose, IsAGoodByeWhereTheListenerSaysSo) {
  Server server({app("abort")});
  server.start();
  EXPECT_EQ(outcome(server).outcome, Outcome::kAborted);
  EXPECT_THAT(server.log(), HasSubstr("info    app \"app\": a client has left while it waited in the queue"));
  const ScgiRequest whole = ScgiRequest::get("/");
  EXPECT_NE(writer_of_whole_page(fetch(server.listener("app"), whole)), 0) << "who keeps its half open is answered";
  EXPECT_EQ(server.stop(), ExitStatus::exited(0));
  EXPECT_EQ(read_file(server.folder() / "access.log"), "200\n499\n200\n");
}

}  // namespace
}  // namespace harness
