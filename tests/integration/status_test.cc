// `forklift status`: what the server is doing, told by the master alone.
#include <Poco/JSON/Array.h>
#include <Poco/JSON/Parser.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "base/utf8.h"
#include "harness/command.h"
#include "harness/scgi_request.h"
#include "harness/server.h"

namespace harness {
namespace {

namespace fs = std::filesystem;
using Poco::JSON::Array;
using Poco::JSON::Object;
using testing::AllOf;
using testing::HasSubstr;

App told(const std::string& more = {}) {
  return {.name = "told", .plugin = fixture_file("misbehaves_as_told"), .more = more};
}

Object::Ptr app_of(const Object::Ptr& status, unsigned index = 0) {
  const Array::Ptr apps = status->getArray("apps");
  const Object::Ptr app = apps ? apps->getObject(index) : Object::Ptr();
  EXPECT_TRUE(app);
  return app ? app : Object::Ptr(new Object);
}

std::vector<Object::Ptr> workers_of(const Object::Ptr& app) {
  std::vector<Object::Ptr> workers;
  const Array::Ptr array = app->getArray("workers");
  for (unsigned i = 0; array && i < array->size(); ++i) workers.push_back(array->getObject(i));
  return workers;
}

std::size_t busy(const Object::Ptr& app) {
  std::size_t count = 0;
  for (const auto& worker : workers_of(app)) count += !worker->isNull("request");
  return count;
}

// Settings with which the fixture create_refuses_while_told refuses.
std::string refusing(const Server& server) {
  return fmt::format("settings: {{file: {}}}\n", server.config_file());
}

std::uint64_t counter(const Object::Ptr& app, const std::string& name) {
  const Object::Ptr counters = app->getObject("counters");
  return counters && counters->has(name) ? counters->getValue<std::uint64_t>(name) : 0;
}

TEST(Status, TellsPortsWorkersAndWhatHasHappened) {
  Server server({told("workers: {min: 2, max: 2}\n"),
                 {.name = "hello", .plugin = plugin_file("hello"), .listen = {"127.0.0.1:0", "unix:hello.sock"}}});
  server.expect_error("GET \"/fail\" answered 500");
  server.expect_error("died of signal 9");
  server.start();
  const Endpoint& endpoint = server.listener("told");
  EXPECT_TRUE(fetch(endpoint, ScgiRequest::get("/")).complete(200));
  EXPECT_TRUE(fetch(endpoint, ScgiRequest::get("/fail").add("HTTP_X_DO", "fail")).complete(500));
  EXPECT_TRUE(fetch(endpoint, ScgiRequest::get("/die").add("HTTP_X_DO", "die")).complete(502));
  ASSERT_TRUE(server.at_rest());

  const Object::Ptr status = status_of(server);
  EXPECT_EQ(status->getValue<int>("pid"), server.pid());
  EXPECT_EQ(status->getValue<std::string>("state"), "running");
  EXPECT_EQ(status->getValue<std::string>("config"), fs::canonical(server.config_file()).string());
  EXPECT_TRUE(status->isNull("last_reload"));
  const Object::Ptr app = app_of(status);
  EXPECT_EQ(app->getValue<std::string>("name"), "told");
  EXPECT_EQ(app->getValue<std::string>("state"), "running");
  EXPECT_EQ(app->getValue<int>("generation"), 1);
  EXPECT_EQ(app->getArray("listeners")->getElement<std::string>(0), endpoint.to_string());
  EXPECT_EQ(workers_of(app).size(), 2U);
  for (const auto& worker : workers_of(app)) {
    EXPECT_EQ(worker->getValue<std::string>("state"), "IDLE");
    EXPECT_TRUE(worker->isNull("request"));
    EXPECT_EQ(find_process(worker->getValue<int>("pid"))->parent, server.pid());
  }
  EXPECT_EQ(counter(app, "requests"), 3U);
  EXPECT_EQ(counter(app, "responses_2xx"), 1U);
  EXPECT_EQ(counter(app, "responses_5xx"), 2U);
  EXPECT_EQ(counter(app, "forks"), 3U);
  EXPECT_EQ(counter(app, "crashes"), 1U);
  EXPECT_EQ(app_of(status, 1)->getArray("listeners")->getElement<std::string>(1),
            server.listener("hello", 1).to_string());
}

TEST(Status, AnswersWhileEveryWorkerHangs) {
  Server server({told("workers: {min: 2, max: 2}\nqueue: {age: 1m}\ntimeouts: {stop: 100ms}\n")});
  server.expect_error("killed by timeouts.stop with GET \"/hangs/");
  server.start();
  std::vector<Connection> asked;
  for (int i = 0; i < 5; ++i) {
    asked.push_back(Connection::to(server.listener("told")));
    ASSERT_TRUE(asked.back().send(ScgiRequest::get(fmt::format("/hangs/{}", i)).add("HTTP_X_DO", "hang").bytes()));
  }
  Object::Ptr app;
  const auto all_hang = [&] {
    app = app_of(status_of(server));
    return busy(app) == 2 && app->getObject("queue")->getValue<int>("length") == 3;
  };
  ASSERT_TRUE(eventually(all_hang, 4 * kPatience, milliseconds(50)));
  EXPECT_EQ(app->getValue<int>("connections"), 5);
  std::set<std::string> uris;
  for (const auto& worker : workers_of(app)) {
    EXPECT_EQ(worker->getValue<std::string>("state"), "BUSY");
    EXPECT_EQ(worker->getObject("request")->getValue<std::string>("method"), "GET");
    uris.insert(worker->getObject("request")->getValue<std::string>("uri"));
  }
  EXPECT_EQ(uris.size(), 2U);  // whichever two: of requests that come together, any may be whole first
  EXPECT_THAT(uris, testing::Each(testing::StartsWith("/hangs/")));

  Command table("status", server);
  EXPECT_EQ(table.wait(), ExitStatus::exited(0));
  EXPECT_THAT(table.output(),
              AllOf(HasSubstr("QUEUE"), HasSubstr("3/1024"), HasSubstr("GET " + *uris.rbegin() + " (")));
  server.skip_rest("its workers hang");
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait(), ExitStatus::exited(0));
}

TEST(Status, CountsTheStartsThatFailedInReloads) {
  Server server({{.name = "app", .plugin = plugin_file("hello")}});
  server.start();
  server.configure({{.name = "app", .plugin = fixture_file("create_crashes")}});
  server.expect_error("app \"app\": generation 2 failed at CREATED: *; generation 1 stays");
  EXPECT_EQ(server.reload(), "0 apps reloaded, 0 added, 0 removed, 1 failed");
  const Object::Ptr app = app_of(status_of(server));
  EXPECT_EQ(counter(app, "failed_starts"), 1U);
  EXPECT_EQ(counter(app, "forks"), 2U);
  server.configure({{.name = "app", .plugin = plugin_file("hello")}});
}

TEST(Status, ShowsACrashLoopAndWhenItIsTriedNext) {
  Server server({{.name = "loops", .plugin = fixture_file("constructor_crashes")},
                 {.name = "good", .plugin = plugin_file("hello")}});
  server.expect_error("app \"loops\": generation * failed at LOADED");
  server.expect_error("app \"loops\": degraded", 1);
  server.expect_workers("loops", 0);
  server.start();
  // From here on the pauses are longer than half a second.
  ASSERT_TRUE(server.wait_for_log("app \"loops\": generation 4 failed at LOADED"));
  const Object::Ptr loops = app_of(status_of(server));
  EXPECT_EQ(loops->getValue<std::string>("state"), "degraded");
  EXPECT_GE(counter(loops, "failed_starts"), 4U);
  // Null at the very moment of a try.
  const auto next_try = [&] { return app_of(status_of(server))->get("retry_ms"); };
  ASSERT_TRUE(eventually([&] { return !next_try().isEmpty(); }));
  const Object::Ptr good = app_of(status_of(server), 1);
  EXPECT_EQ(good->getValue<std::string>("state"), "running");
  EXPECT_TRUE(good->isNull("retry_ms"));
  EXPECT_EQ(counter(good, "failed_starts"), 0U);

  Command table("status", server);
  EXPECT_EQ(table.wait(), ExitStatus::exited(0));
  EXPECT_THAT(table.output(), testing::ContainsRegex("\nloops +degraded "));
}

TEST(Status, TellsWhatBecameOfTheLastReload) {
  const App hello{.name = "app", .plugin = plugin_file("hello")};
  Server server({hello});
  server.start();
  server.configure({{.name = "app", .plugin = fixture_file("create_refuses_while_told"), .more = refusing(server)}});
  server.expect_error("app \"app\": generation 2 failed at CREATED: *; generation 1 stays");
  EXPECT_EQ(server.reload(), kOneFailed);
  const Object::Ptr failed = status_of(server)->getObject("last_reload");
  ASSERT_TRUE(failed);
  EXPECT_FALSE(failed->getValue<bool>("ok"));
  const Object::Ptr app = failed->getArray("apps")->getObject(0);
  EXPECT_EQ(app->getValue<std::string>("app"), "app");
  EXPECT_EQ(app->getValue<std::string>("outcome"), "failed");
  EXPECT_THAT(app->getValue<std::string>("reason"), AllOf(HasSubstr("failed at CREATED"), HasSubstr("is there")));
  Command table("status", server);
  EXPECT_EQ(table.wait(), ExitStatus::exited(0));
  EXPECT_THAT(table.output(), HasSubstr("; the last reload failed\n"));

  server.spoil_config("apps: 17\n");
  server.expect_error("reload: *server.yaml:1:7: ");
  server.expect_error("reload: nothing has changed");
  EXPECT_EQ(server.reload(), kNothingChanged);
  Command broken("status", server, {"--json", "--control", server.folder() / "run/control"});
  EXPECT_EQ(broken.wait(), ExitStatus::exited(0));
  const auto document = Poco::JSON::Parser().parse(broken.output()).extract<Object::Ptr>();
  const Object::Ptr spoilt = document->getObject("last_reload");
  EXPECT_FALSE(spoilt->getValue<bool>("ok"));
  EXPECT_THAT(spoilt->getArray("problems")->getElement<std::string>(0), HasSubstr("server.yaml:1:7: "));

  server.configure({hello});
  EXPECT_EQ(server.reload(), kOneReloaded);
  EXPECT_TRUE(status_of(server)->getObject("last_reload")->getValue<bool>("ok"));
}

// After a deploy it is the first question.
TEST(Status, TellsWhichPluginRuns) {
  const TempDir folder;
  const std::string plugin = folder / "plugin.so";
  fs::copy_file(fixture_file("version_one"), plugin);
  Server server({{.name = "app", .plugin = plugin}});
  server.start();
  const auto build_id_of = [](const std::string& file) {
    Command inspect({"inspect", "--json", file});
    EXPECT_EQ(inspect.wait(), ExitStatus::exited(0));
    return Poco::JSON::Parser().parse(inspect.output()).extract<Object::Ptr>()->getValue<std::string>("build_id");
  };
  const std::string one = build_id_of(plugin);
  EXPECT_THAT(server.log(),
              HasSubstr(fmt::format("generation 1 is running: answers_version one (build id {})\n", one)));
  EXPECT_EQ(app_of(status_of(server))->getValue<std::string>("plugin_version"), "one");
  EXPECT_EQ(app_of(status_of(server))->getValue<std::string>("build_id"), one);

  fs::copy_file(fixture_file("version_two"), folder / "new.so");
  fs::rename(folder / "new.so", plugin);
  const std::string two = build_id_of(plugin);
  EXPECT_NE(one, two);
  EXPECT_EQ(app_of(status_of(server))->getValue<std::string>("build_id"), one) << "until it is reloaded";
  Command reload("reload", server);
  EXPECT_EQ(reload.wait(), ExitStatus::exited(0));
  EXPECT_THAT(reload.output(), HasSubstr(fmt::format("two ({})", two.substr(0, 12))));
  EXPECT_THAT(server.log(), HasSubstr(fmt::format("generation 2 is running: answers_version two (build id {})", two)));
  EXPECT_EQ(app_of(status_of(server))->getValue<std::string>("build_id"), two);
  EXPECT_EQ(app_of(status_of(server))->getValue<int>("workers_max"), 5);
}

TEST(Status, SaysThatARemovedAppIsLeaving) {
  Server server({{.name = "hello", .plugin = plugin_file("hello")}, told("timeouts: {drain: 1s}\n")});
  server.expect_error("GET \"/hangs\" since * s; *");
  server.start();
  Connection asked = Connection::to(server.listener("told"));
  ASSERT_TRUE(asked.send(ScgiRequest::get("/hangs").add("HTTP_X_DO", "hang").bytes()));
  ASSERT_TRUE(eventually([&] { return busy(app_of(status_of(server), 1)) == 1; }, 4 * kPatience, milliseconds(50)));
  server.configure({{.name = "hello", .plugin = plugin_file("hello")}});
  EXPECT_EQ(server.reload(), "1 app reloaded, 0 added, 1 removed, 0 failed");
  EXPECT_EQ(app_of(status_of(server), 1)->getValue<std::string>("state"), "leaving");
  ASSERT_TRUE(eventually([&] { return status_of(server)->getArray("apps")->size() == 1; }, 4 * kPatience));
  server.expect_descriptors("socket", -1);
  server.expect_descriptors("image of told", -1);
}

// The one who is to be asked with gdb, above all.
TEST(Status, ShowsAReloadThatHangsAndItsWorkers) {
  const App hello{.name = "app", .plugin = plugin_file("hello")};
  Server server({hello});
  server.start();
  EXPECT_TRUE(status_of(server)->isNull("reload"));
  const App hangs{.name = "app", .plugin = fixture_file("create_hangs"), .more = "timeouts: {start: 1m, stop: 1s}\n"};
  server.configure({hangs, {.name = "new", .plugin = hangs.plugin, .more = hangs.more}});
  server.signal(SIGHUP);
  Object::Ptr status;
  const auto both_hang = [&] {
    status = status_of(server);
    const Object::Ptr reload = status->getObject("reload");
    const Array::Ptr apps = reload ? reload->getArray("apps") : Array::Ptr();
    return apps && apps->size() == 2 && apps->getObject(0)->getValue<std::string>("waits_for") == "CREATED" &&
           apps->getObject(1)->getValue<std::string>("waits_for") == "CREATED";
  };
  ASSERT_TRUE(eventually(both_hang, 4 * kPatience, milliseconds(50)));
  server.signal(SIGHUP);
  ASSERT_TRUE(eventually([&] {
    status = status_of(server);
    return status->getObject("reload")->getValue<int>("waiting") == 1;
  }));
  const Object::Ptr reload = status->getObject("reload");
  EXPECT_TRUE(reload->get("age_ms").isNumeric());
  EXPECT_EQ(reload->getArray("apps")->getObject(0)->getValue<std::string>("app"), "app");
  EXPECT_EQ(reload->getArray("apps")->getObject(0)->getValue<int>("generation"), 2);
  const auto expect_hung = [&](const Object::Ptr& worker, int generation) {
    EXPECT_EQ(worker->getValue<std::string>("state"), "STARTING");
    EXPECT_EQ(worker->getValue<std::string>("step"), "CREATED");
    EXPECT_EQ(worker->getValue<int>("generation"), generation);
    EXPECT_EQ(find_process(worker->getValue<int>("pid"))->parent, server.pid());
  };
  const auto workers = workers_of(app_of(status));
  ASSERT_EQ(workers.size(), 2U);
  EXPECT_EQ(workers[0]->getValue<std::string>("state"), "IDLE");
  expect_hung(workers[1], 2);
  const auto added = workers_of(reload->getArray("apps")->getObject(1));
  ASSERT_EQ(added.size(), 1U) << "of an app that there is not yet";
  expect_hung(added[0], 1);

  Command table("status", server);
  EXPECT_EQ(table.wait(), ExitStatus::exited(0));
  EXPECT_THAT(
      table.output(),
      AllOf(HasSubstr("app \"app\" generation 2 waits for CREATED, app \"new\" generation 1 waits for CREATED; 1 "
                      "more waiting\n"),
            HasSubstr(fmt::format("{}", workers[1]->getValue<int>("pid")))));
  server.skip_rest("its workers hang");
  EXPECT_EQ(server.stop(), ExitStatus::exited(0));
}

TEST(Status, ShowsAReloadThatWaitsForOlderWorkers) {
  const std::string more = "workers: {min: 1, max: 1}\ntimeouts: {drain: 3s, request: 1m}\n";
  Server server({told(more)});
  server.expect_error("GET \"/hangs\" since * s; *", 2);
  server.start();
  std::vector<Connection> asked;
  const auto hang = [&](std::size_t count) {
    asked.push_back(Connection::to(server.listener("told")));
    ASSERT_TRUE(asked.back().send(ScgiRequest::get("/hangs").add("HTTP_X_DO", "hang").bytes()));
    ASSERT_TRUE(eventually([&] { return busy(app_of(status_of(server))) == count; }, 4 * kPatience, milliseconds(50)));
  };
  hang(1);
  EXPECT_EQ(server.reload(), "1 app reloaded, 0 added, 0 removed, 0 failed");
  hang(2);
  server.signal(SIGHUP);
  ASSERT_TRUE(server.wait_for_log("waits until a worker of an older one has left (1 leaving)"));
  const Object::Ptr status = status_of(server);
  if (const Object::Ptr reload = status->getObject("reload")) {
    EXPECT_EQ(reload->getArray("apps")->getObject(0)->getValue<std::string>("waits_for"),
              "workers of older generations to leave");
    EXPECT_EQ(workers_of(app_of(status)).size(), 3U);
  } else {
    ADD_FAILURE() << "no reload";
  }
  ASSERT_TRUE(eventually([&] { return server.reloads().size() == 2; }, 4 * kPatience));
}

TEST(Status, IsGoodJsonWhateverClientsSend) {
  Server server({told("workers: {min: 1, max: 1}\ntimeouts: {stop: 100ms}\n")});
  server.expect_error("killed by timeouts.stop with G");
  server.start();
  Connection hostile = Connection::to(server.listener("told"));
  ASSERT_TRUE(hostile.send(ScgiRequest("G\"\x1b", "/\x1b[31m\xff\xfe\"\\\n\xe2\x80\xae" + std::string(3000, '\x80'))
                               .add("HTTP_X_DO", "hang")
                               .bytes()));
  ASSERT_TRUE(eventually([&] { return busy(app_of(status_of(server))) == 1; }, 4 * kPatience, milliseconds(50)));
  Command status("status", server, {"--json"});
  ASSERT_EQ(status.wait(), ExitStatus::exited(0));
  const std::string text = status.output();
  EXPECT_EQ(text.find('\n'), text.size() - 1) << "one line";
  for (std::size_t i = 0; i + 1 < text.size();) {
    const forklift::Utf8 character = forklift::first_character(std::string_view(text).substr(i));
    ASSERT_TRUE(character.bytes > 0 && forklift::is_harmless(character.code)) << "at " << i << " of " << text;
    i += character.bytes;
  }
  const Object::Ptr request = workers_of(app_of(status_of(server))).at(0)->getObject("request");
  EXPECT_EQ(request->getValue<std::string>("method"), "G\\\"\\x1b");
  EXPECT_THAT(request->getValue<std::string>("uri"),
              testing::StartsWith("/\\x1b[31m\\xff\\xfe\\\"\\\\\\n\\xe2\\x80\\xae\\x80"));
  server.skip_rest("its worker hangs");
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait(), ExitStatus::exited(0));
}

TEST(Status, AnswersWhileTheFileIsBrokenOrGone) {
  Server server({told()}, "control: in-a-file-of-its-own\n");
  server.start();
  for (const char* text : {"control: in-a-file-of-its-own\napps: [\n", "\t\ncontrol: 'in-a-file-of-its-own' # here"}) {
    write_file(server.config_file(), text);
    EXPECT_EQ(status_of(server)->getValue<int>("pid"), server.pid()) << text;
  }
  fs::remove(server.config_file());
  Command lost("status", server);
  EXPECT_EQ(lost.wait(), ExitStatus::exited(1));
  EXPECT_THAT(lost.output(),
              AllOf(HasSubstr(server.config_file() + ": No such file or directory; without it the control socket is /"),
                    HasSubstr("no server runs there; --control names the socket")));
  Command found({"status", "--control", server.folder() / "in-a-file-of-its-own"});
  EXPECT_EQ(found.wait(), ExitStatus::exited(0)) << found.output();
  server.write_config();
}

}  // namespace
}  // namespace harness
