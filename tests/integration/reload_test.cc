// SIGHUP: new plugins and new configuration, and what stays where they are no good.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <vector>

#include "harness/scgi_request.h"
#include "harness/server.h"

namespace harness {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

// A server whose plugin has versions.
class Reload : public testing::Test {
 protected:
  void start(const std::string& more = {}, std::vector<App> others = {}) {
    put("version_one");
    apps_ = std::move(others);
    apps_.insert(apps_.begin(),
                 {.name = "app", .plugin = plugin(), .listen = {"127.0.0.1:0", "unix:app.sock"}, .more = more});
    server_.emplace(apps_);
    server_->start();
  }

  std::string plugin() const { return folder_ / "plugin.so"; }
  // By rename, as install(1) does it.
  void put(const std::string& fixture) const {
    fs::copy_file(fixture_file(fixture), folder_ / "new.so", fs::copy_options::overwrite_existing);
    fs::rename(folder_ / "new.so", plugin());
  }
  void configure(const std::string& more) {
    apps_.front().more = more;
    server_->configure(apps_);
  }

  std::string ask(const Endpoint& endpoint, const std::string& uri = "/app") const {
    const Response response = fetch(endpoint, ScgiRequest::get(uri));
    return response.complete(200) ? response.body : testing::PrintToString(response);
  }
  std::string ask(std::size_t listener = 0) const { return ask(server_->listener("app", listener)); }

  const TempDir folder_;
  std::vector<App> apps_;
  std::optional<Server> server_;
};

TEST_F(Reload, BringsNewCodeToAllListeners) {
  start();
  EXPECT_EQ(ask(0), "app 1 one");
  put("version_two");
  EXPECT_EQ(ask(1), "app 1 one") << "until it is reloaded";
  EXPECT_EQ(server_->reload(), kOneReloaded);
  EXPECT_THAT(server_->log(), HasSubstr("signal 1 (HUP): reload\n"));
  EXPECT_EQ(ask(0), "app 2 two");
  EXPECT_EQ(ask(1), "app 2 two");
}

TEST_F(Reload, BringsNewConfiguration) {
  start("workers: {min: 1, max: 1}");
  configure("workers: {min: 3, max: 3}");
  EXPECT_EQ(server_->reload(), kOneReloaded);
  EXPECT_TRUE(server_->at_rest()) << "with three workers";
  EXPECT_EQ(ask(), "app 2 one");
}

// ---- what does not prove itself leaves the generation that serves ----

TEST_F(Reload, OfAPluginThatIsNoneLeavesTheOldOne) {
  start();
  for (const char* bad :
       {"undefined_symbol", "newer_api", "constructor_crashes", "create_crashes", "constructor_exits"}) {
    server_->expect_error("app \"app\": generation * failed at *; generation 1 stays");
    put(bad);
    EXPECT_EQ(server_->reload(), kOneFailed) << bad;
    EXPECT_EQ(ask(), "app 1 one") << bad;
  }
  server_->expect_error("app \"app\": generation * failed at IMAGED: *; generation 1 stays");
  fs::remove(plugin());
  EXPECT_EQ(server_->reload(), kOneFailed);
  EXPECT_EQ(ask(), "app 1 one");

  put("version_two");
  EXPECT_EQ(server_->reload(), kOneReloaded);
  EXPECT_EQ(ask(), "app 8 two");
}

TEST_F(Reload, OfAPluginThatHangsEndsWithTimeoutsStart) {
  start();
  put("create_hangs");
  configure("timeouts: {start: 500ms}");
  server_->expect_error(
      "app \"app\": generation 2 failed at CREATED: not reached within timeouts.start*; generation 1 stays");
  EXPECT_EQ(server_->reload(), kOneFailed);
  EXPECT_EQ(ask(), "app 1 one");
}

TEST_F(Reload, OfAFileWithMistakesTellsThemAndChangesNothing) {
  start();
  put("version_two");
  server_->spoil_config("apps:\n  - name: app\n    workes: {}\n  -\n");
  server_->expect_error("reload: */server.yaml:3:5: unknown key \"workes\"; did you mean \"workers\"?");
  server_->expect_error("reload: */server.yaml:*: key \"plugin\" is missing");
  server_->expect_error("reload: */server.yaml:*: key \"listen\" is missing");
  server_->expect_error("reload: */server.yaml:5:1: apps: each app must be a map*");
  server_->expect_error("reload: nothing has changed");
  EXPECT_EQ(server_->reload(), kNothingChanged);
  EXPECT_EQ(ask(), "app 1 one");
  server_->configure(apps_);
  EXPECT_EQ(server_->reload(), kOneReloaded);
  EXPECT_EQ(ask(), "app 2 two");
}

TEST_F(Reload, WithAnAddressThatIsTakenChangesNothing) {
  start();
  Server other({App{.name = "other", .plugin = plugin_file("hello")}});
  other.start();
  put("version_two");
  const App added{.name = "added",
                  .plugin = plugin_file("hello"),
                  .listen = {"unix:added.sock", other.listener("other").to_string()}};
  apps_.push_back(added);
  server_->configure(apps_);
  server_->expect_error("reload: */server.yaml:*: app \"added\": listen on 127.0.0.1:*: bind: Address already in use");
  server_->expect_error("reload: nothing has changed");
  EXPECT_EQ(server_->reload(), kNothingChanged);
  EXPECT_EQ(ask(), "app 1 one");
  EXPECT_FALSE(fs::exists(server_->folder() / "added.sock")) << "what was bound before is given back";
  apps_.pop_back();
  server_->configure(apps_);
}

// ---- the probe ----

TEST_F(Reload, ProbesTheFirstNewWorker) {
  start();
  configure("reload: {probe: GET /status/404}");
  server_->expect_error(
      "app \"app\": generation 2 failed at PROBED: GET /status/404: the answer was 404; generation 1 stays");
  EXPECT_EQ(server_->reload(), kOneFailed);
  configure("reload: {probe: GET /leave}");
  server_->expect_error("exited with status 0 with GET \"/leave\" since * s; it was reload.probe");
  server_->expect_error(
      "app \"app\": generation 3 failed at PROBED: GET /leave: the worker died of it; generation 1 stays");
  EXPECT_EQ(server_->reload(), kOneFailed);
  EXPECT_EQ(ask(), "app 1 one");
  for (const char* probe : {"GET /big", "HEAD /status/204", "GET /status/399"}) {
    configure(fmt::format("reload: {{probe: {}}}\nworkers: {{min: 2}}", probe));
    EXPECT_EQ(server_->reload(), kOneReloaded) << probe;
  }
  EXPECT_EQ(ask(), "app 6 one");
}

// Whatever its connection's record was used for before.
TEST_F(Reload, ProbesAlsoBehindClientsWhoseHalfCloseIsAnAbort) {
  Server server({{.name = "app",
                  .plugin = fixture_file("pumps_both_ways"),
                  .listen = {"{address: \"127.0.0.1:0\", half_close: abort}"},
                  .more = "reload: {probe: GET /}\n"}});
  server.start();
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(fetch(server.listener("app"), ScgiRequest::post("/", "body")).complete(200));
    EXPECT_EQ(server.reload(), kOneReloaded);
  }
}

TEST_F(Reload, ProbesPluginsThatSpeakForThemselves) {
  Server server({{.name = "app", .plugin = fixture_file("speaks_for_itself"), .more = "reload: {probe: GET /}\n"}});
  server.start();
  EXPECT_EQ(server.reload(), kOneReloaded);
}

// ---- listeners and apps that come and go ----

TEST_F(Reload, OpensAndClosesListeners) {
  start();
  apps_.front().listen = {"unix:app.sock", "unix:new.sock"};
  server_->configure(apps_);
  EXPECT_EQ(server_->reload(), kOneReloaded);
  const Endpoint added = Endpoint::parse("unix:" + server_->folder() / "new.sock");
  EXPECT_EQ(ask(added), "app 2 one");
  EXPECT_EQ(ask(1), "app 2 one");
  EXPECT_FALSE(connect_to(server_->listener("app", 0))) << "the port is closed";
  apps_.front().listen = {"unix:app.sock"};
  server_->configure(apps_);
  EXPECT_EQ(server_->reload(), kOneReloaded);
  EXPECT_FALSE(fs::exists(added.path));
  server_->expect_descriptors("socket", -1);
}

TEST_F(Reload, ClosesListenersOfSeveralApps) {
  start({}, {App{.name = "other", .plugin = plugin_file("hello"), .listen = {"unix:other.sock", "unix:more.sock"}},
             App{.name = "guest", .plugin = plugin_file("hello"), .listen = {"unix:guest.sock"}}});
  apps_[0].listen = {"unix:app.sock"};
  apps_[1].listen = {"unix:other.sock"};
  apps_.pop_back();
  server_->configure(apps_);
  EXPECT_EQ(server_->reload(), "2 apps reloaded, 0 added, 1 removed, 0 failed");
  EXPECT_EQ(ask(1), "app 2 one");
  EXPECT_TRUE(fetch(server_->listener("other"), ScgiRequest::get("/")).complete(200));
  EXPECT_FALSE(connect_to(server_->listener("app", 0)));
  for (const char* closed : {"more.sock", "guest.sock"}) EXPECT_FALSE(fs::exists(server_->folder() / closed)) << closed;
  server_->expect_descriptors("socket", -3);
  server_->expect_descriptors("image of guest", -1);
}

TEST_F(Reload, AddsAndRemovesApps) {
  start();
  const App guest{.name = "guest", .plugin = plugin(), .listen = {"unix:guest.sock"}};
  const Endpoint endpoint = Endpoint::parse("unix:" + server_->folder() / "guest.sock");
  for (const char* generation : {"1", "2"}) {
    apps_.push_back(guest);
    server_->configure(apps_);
    EXPECT_EQ(server_->reload(), "1 app reloaded, 1 added, 0 removed, 0 failed");
    EXPECT_EQ(ask(endpoint), fmt::format("guest {} one", generation)) << "a number is never used again";
    apps_.pop_back();
    server_->configure(apps_);
    EXPECT_EQ(server_->reload(), "1 app reloaded, 0 added, 1 removed, 0 failed");
    EXPECT_FALSE(fs::exists(endpoint.path));
  }
}

// Each app succeeds or fails by itself.
TEST_F(Reload, OfOneAppThatFailsDoesNotKeepTheOthers) {
  start({}, {App{.name = "other", .plugin = plugin_file("hello"), .listen = {"unix:other.sock"}}});
  apps_[1].plugin = fixture_file("create_crashes");
  server_->configure(apps_);
  server_->expect_error("app \"other\": generation 2 failed at CREATED: *; generation 1 stays");
  EXPECT_EQ(server_->reload(), "1 app reloaded, 0 added, 0 removed, 1 failed");
  EXPECT_EQ(ask(), "app 2 one");
  EXPECT_TRUE(fetch(server_->listener("other"), ScgiRequest::get("/")).complete(200));
}

TEST_F(Reload, LetsAppsExchangeTheirListeners) {
  const App other{.name = "other", .plugin = plugin(), .listen = {"unix:other.sock"}};
  start({}, {other});
  const Endpoint first = server_->listener("app", 1);
  const Endpoint second = server_->listener("other");
  EXPECT_EQ(ask(first), "app 1 one");
  std::swap(apps_[0].listen[1], apps_[1].listen[0]);
  // Both, or none of them.
  const std::string good = apps_[1].plugin;
  apps_[1].plugin = folder_ / "none.so";
  server_->configure(apps_);
  server_->expect_error("app \"other\": generation 2 failed at IMAGED: *; generation 1 stays");
  server_->expect_error("app \"app\": generation 1 stays, as it changes together with app \"other\"");
  EXPECT_EQ(server_->reload(), "0 apps reloaded, 0 added, 0 removed, 2 failed");
  EXPECT_EQ(ask(first), "app 1 one");
  EXPECT_EQ(ask(second), "other 1 one");

  apps_[1].plugin = good;
  server_->configure(apps_);
  EXPECT_EQ(server_->reload(), "2 apps reloaded, 0 added, 0 removed, 0 failed");
  EXPECT_EQ(ask(first), "other 3 one");
  EXPECT_EQ(ask(second), "app 3 one");
}

// A removed app serves until the one that takes its listener is READY.
TEST_F(Reload, LetsAnAppTakeOverFromOneThatIsRemoved) {
  start();
  const Endpoint endpoint = server_->listener("app", 1);
  Connection silent = Connection::to(endpoint);
  apps_ = {App{.name = "heir", .plugin = folder_ / "none.so", .listen = {"unix:app.sock"}}};
  server_->configure(apps_);
  server_->expect_error("app \"heir\": generation 1 failed at IMAGED: *; it is not added");
  server_->expect_error("app \"app\": it stays, as it changes together with app \"heir\"");
  EXPECT_EQ(server_->reload(), "0 apps reloaded, 0 added, 0 removed, 2 failed");
  EXPECT_EQ(ask(endpoint), "app 1 one");
  apps_.front().plugin = plugin();
  server_->configure(apps_);
  EXPECT_EQ(server_->reload(), "0 apps reloaded, 1 added, 1 removed, 0 failed");
  EXPECT_EQ(ask(endpoint), "heir 2 one");
  silent.send(ScgiRequest::get("/app").bytes());
  EXPECT_EQ(silent.receive(ResponseReader(Dialect::kScgi, "GET")).body, "heir 2 one")
      << "who has asked behind the reload gets the new one";
  server_->expect_descriptors("socket", -1);
  server_->expect_descriptors("image of app", -1);
}

TEST_F(Reload, ChangesTheModeOfASocketThatStays) {
  start();
  apps_.front().listen[1] = "{address: \"unix:app.sock\", mode: \"0666\", backlog: 17}";
  server_->configure(apps_);
  EXPECT_EQ(server_->reload(), kOneReloaded);
  struct stat status {};
  ASSERT_EQ(stat((server_->folder() / "app.sock").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0666u);
  EXPECT_EQ(ask(1), "app 2 one");
}

TEST_F(Reload, ThatCannotChangeTheModeOfASocketTriesAgainTheNextTime) {
  start();
  const std::string path = server_->folder() / "app.sock";
  fs::rename(path, path + ".aside");
  write_file(path, "somebody's");
  apps_.front().listen[1] = "{address: \"unix:app.sock\", mode: \"0666\"}";
  server_->configure(apps_);
  server_->expect_error("something else has taken the path of this socket; it stays as it was");
  EXPECT_EQ(server_->reload(), kOneReloaded);
  fs::rename(path + ".aside", path);
  EXPECT_EQ(server_->reload(), kOneReloaded);
  struct stat status {};
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0666u);
  EXPECT_EQ(ask(1), "app 3 one");
}

}  // namespace
}  // namespace harness
