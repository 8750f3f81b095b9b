// What systemd passes to the server, and what it is told; the tests play systemd.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <csignal>
#include <utility>
#include <vector>

#include "harness/scgi_request.h"
#include "harness/server.h"
#include "unit/base/receiver.h"

namespace harness {
namespace {

using forklift::Receiver;
using testing::HasSubstr;

// A socket of 127.0.0.1, and its address.
std::pair<UniqueFd, Endpoint> tcp_socket(bool listens = true) {
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  EXPECT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  if (listens) {
    EXPECT_EQ(::listen(fd.get(), 100), 0);
  }
  EXPECT_EQ(::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  Endpoint endpoint{.host = "127.0.0.1", .port = ntohs(address.sin_port), .path = {}};
  return {std::move(fd), std::move(endpoint)};
}

App app_on(std::vector<std::string> listen) {
  return {.name = "app", .plugin = plugin_file("hello"), .listen = std::move(listen)};
}

// Has the server started with `sockets`, whose names are joined by colons.
void pass(Server& server, const std::string& names, const std::vector<const UniqueFd*>& sockets) {
  server.run_with({"/bin/sh", "-c", "export LISTEN_PID=$$; exec \"$@\"", "sh"});
  server.add_environment("LISTEN_FDNAMES=" + names);
  server.add_environment(fmt::format("LISTEN_FDS={}", sockets.size()));
  for (const UniqueFd* socket : sockets) server.pass(socket->get());
}

TEST(SystemdSockets, OfItsNameAreListenersOfTheApp) {
  const auto [first, first_address] = tcp_socket();
  const auto [admin, admin_address] = tcp_socket();
  const auto [second, second_address] = tcp_socket();
  Server server({app_on({"systemd:web", "127.0.0.1:0"})});
  pass(server, "web:admin:web", {&first, &admin, &second});
  server.start();
  EXPECT_EQ(server.listener("app", 0).port, first_address.port);
  EXPECT_EQ(server.listener("app", 1).port, second_address.port);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_TRUE(fetch(server.listener("app", i), ScgiRequest::get("/")).complete(200)) << i;
  }
  EXPECT_THAT(server.log(), HasSubstr("warning the service manager has passed a socket with FileDescriptorName=admin "
                                      "(descriptor 4), but no app listens on \"systemd:admin\"; closing it"));
}

TEST(SystemdSockets, KeepWhatComesWhileTheServerIsRestarted) {
  const auto [socket, address] = tcp_socket();
  const ScgiRequest request = ScgiRequest::get("/");
  std::vector<Connection> waiting;
  for (int round = 0; round < 2; ++round) {
    Server server({app_on({"systemd:web"})});
    pass(server, "web", {&socket});
    server.start();
    for (Connection& connection : waiting) EXPECT_TRUE(connection.receive(request.reader()).complete(200));
    EXPECT_TRUE(fetch(address, request).complete(200));
    EXPECT_EQ(server.stop(), ExitStatus::exited(0));
    waiting.clear();
    for (int i = 0; i < 5; ++i) {
      waiting.push_back(Connection::to(address));
      ASSERT_TRUE(waiting.back().send(request.head()));
    }
  }
}

TEST(SystemdSockets, ThatAreMissingEndTheStart) {
  const auto [socket, address] = tcp_socket();
  Server other_name({app_on({"systemd:web"})});
  pass(other_name, "wbe", {&socket});
  other_name.expect_error(
      "could not start: app \"app\": listen on systemd:web: the service manager has passed no socket with "
      "FileDescriptorName=web; there are \"wbe\"");
  other_name.launch();
  EXPECT_EQ(other_name.wait(), ExitStatus::exited(1));

  Server none({app_on({"systemd:web"})});
  none.expect_error(
      "could not start: app \"app\": listen on systemd:web: the service manager has passed no socket; start the server "
      "by a socket unit with FileDescriptorName=web");
  none.launch();
  EXPECT_EQ(none.wait(), ExitStatus::exited(1));
}

TEST(SystemdSockets, ThatDoNotListenEndTheStart) {
  const auto [socket, address] = tcp_socket(false);
  Server server({app_on({"systemd:web"})});
  pass(server, "web", {&socket});
  server.expect_error(
      "could not start: app \"app\": listen on systemd:web: it does not listen; write Accept=no into its socket unit");
  server.launch();
  EXPECT_EQ(server.wait(), ExitStatus::exited(1));
}

class Notify : public testing::Test {
 protected:
  void start(Server& server) {
    server.add_environment("NOTIFY_SOCKET=" + folder_ / "notify");
    server.start();
  }

  std::string next() {
    std::string message;
    eventually([&] { return !(message = receiver_.take()).empty(); });
    return message;
  }

  TempDir folder_;
  const Receiver receiver_{folder_ / "notify"};
};

TEST_F(Notify, TellsReadyAndStopping) {
  Server server({app_on({"127.0.0.1:0"})});
  start(server);
  EXPECT_EQ(next(), fmt::format("READY=1\nMAINPID={}\nSTATUS=serving 1 app\n", server.pid()));
  EXPECT_EQ(server.stop(), ExitStatus::exited(0));
  EXPECT_EQ(next(), "STOPPING=1\nSTATUS=finishing what was asked\n");
}

TEST_F(Notify, TellsWhichAppsDoNotServe) {
  Server server({app_on({"127.0.0.1:0"}), {.name = "bad", .plugin = folder_ / "none.so"}});
  server.expect_error("app \"bad\": generation * failed at IMAGED: *");
  server.expect_error("app \"bad\": degraded: *");
  server.expect_workers("bad", 0);
  start(server);
  EXPECT_EQ(next(), fmt::format("READY=1\nMAINPID={}\nSTATUS=serving 1 app, but not bad\n", server.pid()));
}

TEST_F(Notify, TellsWhyItDoesNotStart) {
  Server server({{.name = "bad", .plugin = folder_ / "none.so"}});
  server.expect_error("app \"bad\": generation * failed at IMAGED: *");
  server.expect_error("app \"bad\": degraded: *");
  server.expect_error("could not start: no app could be started");
  server.add_environment("NOTIFY_SOCKET=" + folder_ / "notify");
  server.launch();
  EXPECT_EQ(server.wait(), ExitStatus::exited(1));
  EXPECT_EQ(next(),
            "STOPPING=1\nSTATUS=could not start: no app could be started; forklift check tells what is wrong\n");
}

TEST_F(Notify, IsTheMastersAlone) {
  Server server({{.name = "app", .plugin = fixture_file("tells_its_confinement")}});
  start(server);
  const Response response = fetch(server.listener("app"), ScgiRequest::get("/"));
  ASSERT_TRUE(response.complete(200)) << response;
  EXPECT_THAT(response.body, testing::Not(HasSubstr("NOTIFY_SOCKET")));
  int sockets = 0;
  for (auto at = response.body.find("socket:"); at != response.body.npos; at = response.body.find("socket:", at + 1)) {
    ++sockets;
  }
  EXPECT_EQ(sockets, 4) << "its channel, its output and the connection: " << response.body;
}

TEST_F(Notify, FeedsTheWatchdogAsLongAsTheLoopTurns) {
  Server server({app_on({"127.0.0.1:0"})});
  server.add_environment("WATCHDOG_USEC=200000");
  start(server);
  int fed = 0;
  EXPECT_TRUE(eventually([&] { return (fed += next() == "WATCHDOG=1\n") >= 5; }));
  server.skip_rest("it wakes up for the watchdog");
}

}  // namespace
}  // namespace harness
