// forklift/testing.hpp by itself: what a test builds with it, and what it can ask. (That it does what the server does:
// tests/unit/worker/conformance_test.cc.)
#include <fcntl.h>
#include <forklift/defer.h>
#include <forklift/stats.h>
#include <gmock/gmock.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <forklift/testing.hpp>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

namespace {

using namespace forklift::testing;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

using Work = std::function<int(const forklift_env*, forklift_body*, forklift_out*)>;

// A plugin that is a function of the test; the host hands it over as a service.
class Worker {
 public:
  explicit Worker(Work work) : work_(std::move(work)) {}
  Response produce(const Request& request = Request()) { return plugin_.produce(request); }

 private:
  static forklift_plugin describe() {
    forklift_plugin plugin{};
    plugin.version = FORKLIFT_VERSION_OF(forklift_plugin);
    plugin.name = "work";
    plugin.create = [](const forklift_host* host, void** instance) {
      *instance = const_cast<void*>(host->service(host, "work/1"));
      return 0;
    };
    plugin.produce = [](void* work, const forklift_env* env, forklift_body* body, forklift_out* out) {
      return (*static_cast<Work*>(work))(env, body, out);
    };
    return plugin;
  }

  Work work_;
  forklift_plugin descriptor_ = describe();
  Plugin plugin_{&descriptor_, Host().service("work/1", &work_)};
};

int write(forklift_out* out, std::string_view text) {
  return out->write(out, text.data(), text.size());
}

// ---- Requests ----

TEST(TestingRequest, HasTheVariablesOfAFrontServer) {
  const Request request = Request("POST", "/a%20b%zz%?x=%20&y").header("X-Real-Ip", "::1").body("abc", "text/plain");
  EXPECT_EQ(request.variables().front(), (std::pair<std::string, std::string>("CONTENT_LENGTH", "3")));
  for (const auto& [name, value] : Texts{{"SCGI", "1"},
                                         {"REQUEST_METHOD", "POST"},
                                         {"REQUEST_URI", "/a%20b%zz%?x=%20&y"},
                                         {"DOCUMENT_URI", "/a b%zz%"},
                                         {"QUERY_STRING", "x=%20&y"},
                                         {"CONTENT_TYPE", "text/plain"},
                                         {"HTTP_CONTENT_TYPE", "text/plain"},
                                         {"HTTP_CONTENT_LENGTH", "3"},
                                         {"HTTP_X_REAL_IP", "::1"},
                                         {"HTTP_HOST", "localhost"}}) {
    EXPECT_EQ(request.variable(name), value) << name;
  }
  EXPECT_EQ(Request("/only/a/path").variable("REQUEST_METHOD"), "GET");
  EXPECT_EQ(Request("/only/a/path").variable("QUERY_STRING"), "");
}

TEST(TestingRequest, JoinsHeadersThatComeAgain) {
  const Request request =
      Request().header("Accept", "a").header("accept", "b").header("Cookie", "c").header("Cookie", "d");
  EXPECT_EQ(request.variable("HTTP_ACCEPT"), "a, b");
  EXPECT_EQ(request.variable("HTTP_COOKIE"), "c; d");
}

TEST(TestingRequest, RefusesWhatNoFrontServerHandsOn) {
  EXPECT_THROW(Request().header("X", "a\r\nY: b"), std::invalid_argument);
  EXPECT_THROW(Request().header("Host", "a").header("Host", "b"), std::invalid_argument);
  EXPECT_THROW(Request().header("Authorization", "a").header("Authorization", "b"), std::invalid_argument);
  EXPECT_THROW(Request().body(1, ""), std::invalid_argument);
  EXPECT_EQ(Request().header("Host", "shop.example").variable("HTTP_HOST"), "shop.example");
}

TEST(TestingRequest, LetsTheTestHaveTheLastWord) {
  const Request request = Request("/").variable("REMOTE_USER", "me").variable("HTTP_HOST", "").without("SCGI");
  EXPECT_EQ(request.variable("REMOTE_USER"), "me");
  EXPECT_EQ(request.variable("HTTP_HOST"), "");
  for (const auto& each : request.variables()) EXPECT_NE(each.first, "SCGI");
  EXPECT_THAT(Request::of({{"B", "1"}, {"A", "2"}}).body("x").variables(), ElementsAre(Pair("B", "1"), Pair("A", "2")));
}

// ---- Settings ----

TEST(TestingSettings, AreRefusedWhereNoFileCouldSayThem) {
  for (const char* wrong : {"a", "a.=x", ".a=x", "a[1]=x", "a[0=x", "a[00]=x", "\"a=x"}) {
    EXPECT_THROW(Settings().set(wrong), std::invalid_argument) << wrong;
  }
  EXPECT_THROW(Settings({{"a", "x"}, {"a.b", "y"}}), std::invalid_argument);
  EXPECT_THROW(Settings({{"a.b", "x"}, {"a", "y"}}), std::invalid_argument);
  EXPECT_THROW(Settings({{"a.b", "x"}, {"a[0]", "y"}}), std::invalid_argument);
  EXPECT_THROW(Settings({{"a[0]", "x"}, {"a[2]", "y"}}), std::invalid_argument);
  EXPECT_THROW(Settings().list("a").set("a.b", "x"), std::invalid_argument);
}

TEST(TestingSettings, TakeTheirValueBehindTheFirstEqualsSign) {
  const SettingsTable table(Settings().set("a=b=c").set("\"x=y\"=z").set("empty="));
  EXPECT_STREQ(table.get(&table, "a", nullptr), "b=c");
  EXPECT_STREQ(table.get(&table, "\"x=y\"", nullptr), "z");
  EXPECT_STREQ(table.get(&table, "empty", nullptr), "");
}

TEST(TestingSettings, TheLastTextCounts) {
  const SettingsTable table({{"a", "first"}, {"b", "x"}, {"a", "second"}});
  EXPECT_STREQ(table.get(&table, "a", nullptr), "second");
  EXPECT_EQ(table.count(&table, ""), 2U);
}

// ---- Plugins ----

TEST(TestingPlugin, IsNotTakenWhereAWorkerWouldNotTakeIt) {
  const auto why = [](forklift_plugin plugin) {
    try {
      Plugin(&plugin, Host());
    } catch (const std::runtime_error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  forklift_plugin good{};
  good.version = FORKLIFT_VERSION_OF(forklift_plugin);
  good.name = "good";
  good.produce = [](void*, const forklift_env*, forklift_body*, forklift_out*) { return 0; };
  EXPECT_EQ(why(good), "");
  forklift_plugin bad = good;
  bad.version.minor = FORKLIFT_API_MINOR + 1;
  EXPECT_THAT(why(bad), HasSubstr("was built for version 1.1 of the plugin API, this host has 1.0"));
  bad = good;
  bad.version.size = 8;
  EXPECT_THAT(why(bad), HasSubstr("has a descriptor of 8 bytes"));
  bad = good;
  bad.name = "No Name";
  EXPECT_THAT(why(bad), HasSubstr("has the name \"No Name\""));
  bad = good;
  bad.produce = nullptr;
  EXPECT_THAT(why(bad), HasSubstr("has neither a produce nor a handle_connection function"));
  EXPECT_THROW(Plugin::load("/none.so"), std::runtime_error);
}

TEST(TestingPlugin, IsDestroyedOnceAlsoWhenItIsMoved) {
  static int destroyed;
  destroyed = 0;
  forklift_plugin counts{};
  counts.version = FORKLIFT_VERSION_OF(forklift_plugin);
  counts.name = "counts";
  counts.produce = [](void*, const forklift_env*, forklift_body*, forklift_out*) { return 0; };
  counts.destroy = [](void*) { ++destroyed; };
  {
    Plugin first(&counts, Host());
    const Plugin second(std::move(first));
    Plugin third(&counts, Host());
    third.destroy();
    EXPECT_EQ(destroyed, 1);
  }
  EXPECT_EQ(destroyed, 2);
}

TEST(TestingPlugin, ThatGivesNoReasonIsRefusedWithoutOne) {
  forklift_plugin refuses{};
  refuses.version = FORKLIFT_VERSION_OF(forklift_plugin);
  refuses.name = "refuses";
  refuses.create = [](const forklift_host*, void**) { return 3; };
  refuses.produce = [](void*, const forklift_env*, forklift_body*, forklift_out*) { return 0; };
  const Refused refused = refusal([&] { Plugin(&refuses, Host()); });
  EXPECT_STREQ(refused.what(), "create failed and gave no reason");
  EXPECT_EQ(refused.setting, std::nullopt);
  EXPECT_EQ(refused.reason, "");
  EXPECT_THROW(refusal([] {}), std::logic_error);
}

TEST(TestingPlugin, LogsFromAnyThreadAndEachRequestHasItsLines) {
  const auto log = [](const forklift_host* host, const char* line) { host->log(host, FORKLIFT_LOG_WARNING, line); };
  static const forklift_host* host;
  forklift_plugin talks{};
  talks.version = FORKLIFT_VERSION_OF(forklift_plugin);
  talks.name = "talks";
  talks.create = [](const forklift_host* given, void**) {
    host = given;
    return given->log(given, FORKLIFT_LOG_INFO, "created"), 0;
  };
  talks.produce = [](void*, const forklift_env*, forklift_body*, forklift_out* out) {
    std::thread([] { host->log(host, FORKLIFT_LOG_DEBUG, "from a thread\n"); }).join();
    return write(out, "A: b\n\n");
  };
  Plugin plugin(&talks, Host());
  EXPECT_THAT(plugin.produce().log, ElementsAre(LogLine{FORKLIFT_LOG_DEBUG, "from a thread"}));
  log(&plugin.host(), "between");
  EXPECT_THAT(plugin.produce().log, ElementsAre(LogLine{FORKLIFT_LOG_DEBUG, "from a thread"}));
  EXPECT_EQ(plugin.log().size(), 4U);
}

TEST(TestingPlugin, WhoseCreateThrowsAnythingIsRefused) {
  forklift_plugin throws{};
  throws.version = FORKLIFT_VERSION_OF(forklift_plugin);
  throws.name = "throws";
  throws.create = [](const forklift_host*, void**) -> int { throw 42; };
  throws.produce = [](void*, const forklift_env*, forklift_body*, forklift_out*) { return 0; };
  const Refused refused = refusal([&] { Plugin(&throws, Host()); });
  EXPECT_THAT(refused.what(), HasSubstr("create threw an exception that is no std::exception"));
}

// ---- Services ----

// Of a plugin that uses both, in whatever it does.
class TestingServices : public ::testing::Test {
 protected:
  static const forklift_defer* defer_of(const forklift_host* host) {
    return static_cast<const forklift_defer*>(host->service(host, FORKLIFT_DEFER_ID));
  }
  static const forklift_stats* stats_of(const forklift_host* host) {
    return static_cast<const forklift_stats*>(host->service(host, FORKLIFT_STATS_ID));
  }

  TestingServices() {
    plugin_.version = FORKLIFT_VERSION_OF(forklift_plugin);
    plugin_.name = "services";
    plugin_.create = [](const forklift_host* host, void** instance) {
      *instance = const_cast<forklift_host*>(host);
      const forklift_stats* const stats = stats_of(host);
      if (stats != nullptr) stats->counter(stats, "requests", "all of them");
      const forklift_defer* const defer = defer_of(host);
      return defer == nullptr || defer->after_response(defer, count, nullptr) == FORKLIFT_EINVAL ? 0 : 1;
    };
    plugin_.produce = [](void* host, const forklift_env*, forklift_body*, forklift_out* out) {
      return put_off(host) | write(out, "A: b\n\n");
    };
  }

  static void count(void* host) {
    const forklift_stats* const stats = stats_of(static_cast<forklift_host*>(host));
    stats->add(stats, 1, 1);
  }
  static void fail(void*) { throw std::runtime_error("too late"); }
  static int put_off(void* host) {
    const forklift_defer* const defer = defer_of(static_cast<forklift_host*>(host));
    return defer->after_response(defer, count, host) | defer->after_response(defer, fail, host);
  }

  forklift_plugin plugin_{};
};

TEST_F(TestingServices, DeferredWorkHasRunAndNumbersCanBeRead) {
  Plugin plugin(&plugin_, Host());
  EXPECT_EQ(plugin.stat("requests"), 0);
  const Response response = plugin.produce(Request("/late"));
  EXPECT_TRUE(response.ok());
  EXPECT_EQ(response.deferred, 2U);
  EXPECT_THAT(response.log,
              ElementsAre(LogLine{FORKLIFT_LOG_ERROR, "GET \"/late\": an exception left deferred work: too late"}));
  EXPECT_EQ(plugin.stat("requests"), 1);
  std::thread([&] { EXPECT_EQ(plugin.produce().deferred, 2U); }).join();
  plugin.destroy();
  EXPECT_EQ(plugin.stat("requests"), 2);
  EXPECT_EQ(plugin.stats().at(0).help, "all of them");
  EXPECT_FALSE(plugin.stats().at(0).is_gauge);
  EXPECT_THROW(plugin.stat("others"), std::out_of_range);
}

TEST_F(TestingServices, DeferredWorkRunsBehindHandleConnectionHoweverItEnds) {
  plugin_.handle_connection = [](void* host, int fd, const void*, std::size_t) -> int {
    put_off(host);
    if (fd < 0) throw std::runtime_error("no connection");
    return 7;
  };
  Plugin plugin(&plugin_, Host());
  EXPECT_THROW(plugin.produce(), std::logic_error) << "a worker never calls it";
  using namespace std::string_view_literals;
  EXPECT_EQ(plugin.handle_connection(0, "41:REQUEST_METHOD\0PUT\0REQUEST_URI\0/raw\0SCGI\0001\0,"sv), 7);
  EXPECT_EQ(plugin.log().back().text, "PUT \"/raw\": an exception left deferred work: too late");
  EXPECT_THROW(plugin.handle_connection(-1, ""), std::runtime_error);
  EXPECT_EQ(plugin.log().back().text, "? \"\": an exception left deferred work: too late");
  EXPECT_EQ(plugin.stat("requests"), 2);
}

TEST_F(TestingServices, OfTheTestGoBeforeThoseOfTheWorker) {
  Plugin without(&plugin_, Host().service(FORKLIFT_DEFER_ID, nullptr).service(FORKLIFT_STATS_ID, nullptr));
  EXPECT_EQ(defer_of(&without.host()), nullptr);
  EXPECT_EQ(stats_of(&without.host()), nullptr);
  EXPECT_TRUE(without.stats().empty());

  static int given;
  given = 0;
  forklift_defer own{};
  own.version = FORKLIFT_VERSION_OF(forklift_defer);
  own.after_response = [](const forklift_defer*, void (*)(void*), void*) -> int { return ++given, FORKLIFT_EINVAL; };
  Plugin with(&plugin_, Host().service(FORKLIFT_DEFER_ID, &own));
  EXPECT_EQ(with.produce().deferred, 0U);
  EXPECT_EQ(given, 3);
}

TEST_F(TestingServices, ATableByItselfHasNumbersAndNoRequests) {
  const HostTable host;
  EXPECT_EQ(defer_of(&host), nullptr);
  const forklift_stats* const stats = stats_of(&host);
  stats->set(stats, stats->gauge(stats, "level", nullptr), -3);
  EXPECT_EQ(host.stats().at(0).value, -3);
}

// ---- Clients ----

TEST(TestingClient, LeavesAfterSoManyBytes) {
  Worker worker([](auto*, auto*, forklift_out* out) {
    int result = write(out, "A: b\n\n");
    for (int i = 0; i < 10 && result == 0; ++i) result = write(out, "0123456789") | out->flush(out);
    return result;
  });
  const std::size_t head = std::string("Status: 200 OK\r\nA: b\r\n\r\n").size();
  for (const std::size_t bytes : {0U, 1U, 15U, 99U}) {
    const Response response = worker.produce(Request().client_leaves_after(head + bytes));
    EXPECT_EQ(response.body.size(), bytes);
    EXPECT_EQ(response.status, 200);
    EXPECT_TRUE(response.client_gone);
    EXPECT_FALSE(response.complete);
  }
  EXPECT_EQ(worker.produce(Request().client_leaves_after(head - 1)).status, 0);
  EXPECT_TRUE(worker.produce(Request().client_leaves_after(head + 101)).ok());
}

TEST(TestingClient, TakesTheResponseInPieces) {
  std::string results;
  Worker worker([&](auto*, auto*, forklift_out* out) {
    results.clear();
    write(out, "A: b\n\n" + std::string(100, 'x'));
    for (int i = 0; i < 4; ++i) {
      const int flushed = out->try_flush(out);
      results += std::to_string(flushed) + " ";
      if (flushed == 0) return 0;
      results += std::to_string(out->wait(out, FORKLIFT_WAIT_SENT, nullptr, 0, -1)) + " ";
    }
    return 0;
  });
  const Response response = worker.produce(Request().response_in_pieces_of(50));
  EXPECT_EQ(results, "-1 8 -1 8 0 ");
  EXPECT_TRUE(response.ok());
  EXPECT_EQ(response.body, std::string(100, 'x'));
}

TEST(TestingClient, ThatTakesNoMoreEndsAWrite) {
  Worker worker([](auto*, auto*, forklift_out* out) {
    write(out, "A: b\n\n");
    return write(out, std::string(1'000'000, 'x'));
  });
  const Response response = worker.produce(Request().client_stalls_after(70'000));
  EXPECT_EQ(response.result, FORKLIFT_ETIMEOUT);
  EXPECT_FALSE(response.complete);
  EXPECT_FALSE(response.client_gone);
  EXPECT_THAT(response.log.back().text, HasSubstr("GET \"/\" aborted: the client has taken nothing"));
}

// As a plugin does that computes while it waits for the body.
TEST(TestingClient, StallsOnlyWhenItsTimeIsUp) {
  const int event = ::eventfd(0, EFD_CLOEXEC);
  std::string results;
  Worker worker([&](auto*, forklift_body* body, forklift_out* out) {
    char byte = 0;
    forklift_poll polls[] = {{event, POLLIN, 0}};
    results = std::to_string(body->try_read(body, &byte, 1)) + " ";
    results += std::to_string(out->wait(out, FORKLIFT_WAIT_BODY, polls, 1, 1)) + " ";
    ::eventfd_write(event, 1);
    results += std::to_string(out->wait(out, FORKLIFT_WAIT_BODY, polls, 1, -1)) + " ";
    results += std::to_string(polls[0].revents) + " ";
    polls[0].fd = -1;
    results += std::to_string(out->wait(out, FORKLIFT_WAIT_BODY, polls, 1, -1));
    return 1;
  });
  const Response response = worker.produce(Request("POST", "/").body("abc").body_stalls_after(0));
  EXPECT_EQ(results, "-1 0 0 1 -3");
  EXPECT_EQ(response.status, 408);
  ::close(event);
}

TEST(TestingClient, AWaitThatNothingCanEndFails) {
  Worker worker([](auto*, auto*, forklift_out* out) { return out->wait(out, 0, nullptr, 0, -1); });
  const Response response = worker.produce();
  EXPECT_EQ(response.result, FORKLIFT_ETIMEOUT);
  EXPECT_THAT(response.failure, HasSubstr("timeouts.request would end the worker"));
}

// ---- Responses ----

TEST(TestingResponse, RecordsTheCalls) {
  Worker worker([](auto*, auto*, forklift_out* out) {
    out->alive(out);
    out->begin(out, 202, nullptr, 0);
    out->flush(out);
    out->try_flush(out);
    out->wait(out, FORKLIFT_WAIT_OUT, nullptr, 0, 50);
    out->fail(out, "not counted");
    return 0;
  });
  const Response response = worker.produce();
  EXPECT_THAT(response.calls, ElementsAre("alive", "begin 202", "flush", "try_flush", "wait 2 0 50"));
  EXPECT_EQ(response.flushes, 2U);
  EXPECT_EQ(response.status, 202);
  EXPECT_EQ(response.phrase, "Accepted");
  EXPECT_EQ(response.reason, "not counted");
  EXPECT_TRUE(response.ok());
}

TEST(TestingResponse, FindsHeadersWhateverTheirCase) {
  Worker worker([](auto*, auto*, forklift_out* out) { return write(out, "Set-Cookie: a\nset-cookie: b\n\n"); });
  const Response response = worker.produce();
  EXPECT_EQ(response.header("SET-COOKIE"), "a");
  EXPECT_EQ(response.count("Set-Cookie"), 2U);
  EXPECT_EQ(response.header("X"), "");
}

TEST(TestingResponse, GivesTheBodyAwayWhereOneAsks) {
  Worker worker([](auto*, auto*, forklift_out* out) { return write(out, "A: b\n\n") | write(out, "page"); });
  std::string seen;
  const Response response = worker.produce(Request().give_body_to([&](std::string_view bytes) { seen += bytes; }));
  EXPECT_EQ(seen, "page");
  EXPECT_EQ(response.body, "");
  EXPECT_EQ(response.header("Content-Length"), "4");
}

}  // namespace
