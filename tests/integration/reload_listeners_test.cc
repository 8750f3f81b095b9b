// Reloads whose new Unix sockets somebody else takes, or that end before the sockets are all there: what the master did
// not get it does not touch, and what it has got it gives back. And reloads that take listeners away from clients who
// have asked there.
#include <Poco/JSON/Array.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <filesystem>
#include <vector>

#include "base/unique_fd.h"
#include "harness/command.h"
#include "harness/connection.h"
#include "harness/freeze.h"
#include "harness/processes.h"
#include "harness/scgi_request.h"
#include "harness/server.h"

namespace harness {
namespace {

namespace fs = std::filesystem;

// Another of our servers, which finds a socket that nobody listens on: it locks the folder first.
UniqueFd steal(const std::string& path) {
  const UniqueFd folder(::open(fs::path(path).parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (::flock(folder.get(), LOCK_EX) != 0) return {};
  ::unlink(path.c_str());
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  const bool listens =
      ::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 && ::listen(fd.get(), 8) == 0;
  return listens ? std::move(fd) : UniqueFd{};
}

class ReloadedListeners : public testing::Test {
 protected:
  ReloadedListeners() {
    for (const char* name : {"a", "b"}) fs::create_directory(folder(name));
    write_file(hold(), "");
  }
  std::string folder(const std::string& name) const { return server_.folder() / name; }
  std::string first() const { return folder("a") + "/x.sock"; }
  std::string second() const { return folder("b") + "/y.sock"; }
  // As long as it exists, a generation of with_both() is not READY.
  std::string hold() const { return server_.folder() / "hold"; }
  App with_both() const {
    App app = waiting_for(hold());
    app.listen = {"unix:app.sock", "unix:a/x.sock", "unix:b/y.sock"};
    return app;
  }
  static App waiting_for(const std::string& file) {
    return {.name = "app",
            .plugin = fixture_file("create_waits_while_told"),
            .more = fmt::format("settings: {{file: {}}}\n", file)};
  }

  // As long as it lives, binding in that folder takes a second.
  UniqueFd lock(const std::string& name) const {
    UniqueFd fd(::open(folder(name).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    return ::flock(fd.get(), LOCK_EX) == 0 ? std::move(fd) : UniqueFd{};
  }
  bool wait_for(const std::string& path) const {
    return eventually([&] { return fs::exists(path); }, kPatience, milliseconds(1));
  }

  Server server_{{{.name = "app", .plugin = plugin_file("hello"), .listen = {"unix:app.sock"}}}};
};

TEST_F(ReloadedListeners, ThatAreStolenWhileOthersAreBoundFailTheReloadAndAreLeftAlone) {
  server_.start();
  server_.configure({with_both()});
  server_.expect_error("app \"app\": listen on unix:*x.sock: another server has taken its path; generation 1 stays");
  const UniqueFd locked = lock("b");
  server_.signal(SIGHUP);
  ASSERT_TRUE(wait_for(first()));
  const UniqueFd thief = steal(first());
  ASSERT_TRUE(thief);
  fs::remove(hold());
  ASSERT_TRUE(eventually([&] { return server_.reloads().size() == 1; }));
  EXPECT_EQ(server_.reloads().front(), kOneFailed);
  EXPECT_FALSE(fs::exists(second())) << "given back";
  EXPECT_EQ(server_.stop(), ExitStatus::exited(0));
  EXPECT_TRUE(connect_to(Endpoint::parse("unix:" + first()))) << "it is not ours to remove";
}

TEST_F(ReloadedListeners, AreGivenBackByAStopThatComesWhileOthersAreBound) {
  server_.start();
  server_.configure({with_both()});
  const UniqueFd locked = lock("b");
  server_.signal(SIGHUP);
  ASSERT_TRUE(wait_for(first()));
  server_.skip_rest("it is stopped during a reload");
  server_.signal(SIGTERM);
  EXPECT_EQ(server_.wait(), ExitStatus::exited(0));
  EXPECT_EQ(server_.reloads().front(), "nothing has changed");
  EXPECT_FALSE(fs::exists(first()));
  EXPECT_FALSE(fs::exists(second()));
}

// At the switch the first one listens already when the second one turns out to be lost. Its clients are not to wait for
// what becomes of the other app.
TEST_F(ReloadedListeners, OfAUnitThatFailsAtTheSwitchAreClosedAtOnce) {
  server_.start();
  const std::string hold_other = server_.folder() / "hold_other";
  write_file(hold_other, "");
  App other = waiting_for(hold_other);
  other.name = "other";
  server_.configure({with_both(), other});
  server_.expect_error("app \"app\": listen on unix:*y.sock: another server has taken its path; generation 1 stays");
  server_.signal(SIGHUP);
  ASSERT_TRUE(wait_for(second()));
  const UniqueFd thief = steal(second());
  ASSERT_TRUE(thief);
  fs::remove(hold());
  ASSERT_TRUE(server_.wait_for_log("another server has taken its path"));
  EXPECT_FALSE(connect_to(Endpoint::parse("unix:" + first())));
  EXPECT_FALSE(fs::exists(first()));
  EXPECT_TRUE(server_.reloads().empty()) << "the other app is still at it";
  fs::remove(hold_other);
  ASSERT_TRUE(eventually([&] { return server_.reloads().size() == 1; }));
  EXPECT_EQ(server_.reloads().front(), "0 apps reloaded, 1 added, 0 removed, 1 failed");
  server_.configure({{.name = "app", .plugin = plugin_file("hello"), .listen = {"unix:app.sock"}}, other});
  server_.expect_descriptors("socket", 1);
}

// A port that is removed accepts what waits, then closes.
class RemovedListener : public testing::TestWithParam<const char*> {
 protected:
  // More than the master accepts from a listener in the turns of its loop that it takes to hear that the new worker is
  // READY: the last of them are accepted by the switch, or reset by the kernel.
  static constexpr int kClients = 500;

  static App app(const std::string& hold, std::vector<std::string> listen) {
    return {.name = "app",
            .plugin = fixture_file("create_waits_while_told"),
            .listen = std::move(listen),
            .more = fmt::format("settings: {{file: {}}}\n", hold)};
  }

  // The new worker, once nothing but `hold` keeps it from being READY.
  static pid_t wait_for_newcomer(const Server& server) {
    pid_t newcomer = 0;
    const auto stands_at_created = [&] {
      const auto reload = status_of(server)->getObject("reload");
      const auto apps = reload ? reload->getArray("apps") : Poco::JSON::Array::Ptr();
      if (!apps || apps->size() != 1) return false;
      if (apps->getObject(0)->getValue<std::string>("waits_for") != "CREATED") return false;
      const auto workers = status_of(server)->getArray("apps")->getObject(0)->getArray("workers");
      newcomer = workers->getObject(static_cast<unsigned>(workers->size()) - 1)->getValue<int>("pid");
      return true;
    };
    EXPECT_TRUE(eventually(stands_at_created, 4 * kPatience, milliseconds(50)));
    return newcomer;
  }

  // It looks every 10 ms whether it is still held; behind READY it waits for the master.
  static bool waits_for_the_master(pid_t worker) {
    std::size_t before = waits_of(worker);
    return eventually(
        [&] {
          const std::size_t now = waits_of(worker);
          return std::exchange(before, now) == now;
        },
        kPatience, milliseconds(100));
  }
};

INSTANTIATE_TEST_SUITE_P(On, RemovedListener, testing::Values("127.0.0.1:0", "unix:gone.sock"),
                         [](const auto& listen) { return listen.index == 0 ? "Tcp" : "Unix"; });

TEST_P(RemovedListener, AnswersWhoHasAskedThereAndIsClosed) {
  const TempDir folder;
  const std::string hold = folder / "hold";
  Server server({app(hold, {"unix:app.sock", GetParam()})});
  server.start();
  const Endpoint& removed = server.listener("app", 1);
  write_file(hold, "");
  server.configure({app(hold, {"unix:app.sock"})});
  server.signal(SIGHUP);
  const pid_t newcomer = wait_for_newcomer(server);
  const ScgiRequest request = ScgiRequest::get("/");
  std::vector<Connection> clients;
  {
    const Freeze freeze(server);
    std::filesystem::remove(hold);
    EXPECT_TRUE(waits_for_the_master(newcomer));
    for (int i = 0; i < kClients; ++i) {
      clients.push_back(Connection::to(removed));
      ASSERT_TRUE(clients.back().send(request.head()));
    }
  }
  for (Connection& client : clients) {
    const Response response = client.receive(request.reader());
    EXPECT_TRUE(response.complete(200)) << response;
  }
  ASSERT_TRUE(eventually([&] { return server.reloads().size() == 1; }));
  EXPECT_EQ(server.reloads().front(), kOneReloaded);
  // A worker that has just been forked for so many is closing what it has inherited.
  EXPECT_TRUE(eventually([&] { return !connect_to(removed); }));
  EXPECT_TRUE(fetch(server.listener("app", 0), request).complete(200));
  server.expect_descriptors("socket", -1);
}

}  // namespace
}  // namespace harness
