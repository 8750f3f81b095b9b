// The harness itself: what it calls complete, aborted and empty is what all other scenarios believe.
#include <gmock/gmock.h>
#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <functional>
#include <thread>
#include <vector>

#include "harness/child.h"
#include "harness/faults.h"
#include "harness/front.h"
#include "harness/http_request.h"
#include "harness/processes.h"
#include "harness/scgi_request.h"
#include "harness/serve.h"
#include "harness/server.h"
#include "harness/site.h"
#include "harness/stop_point.h"

namespace harness {
namespace {

Response read_whole(Dialect dialect, std::string_view method, std::string_view bytes, Ending ending) {
  ResponseReader reader(dialect, method);
  for (const char& byte : bytes) reader.feed({&byte, 1});
  return reader.finish(ending);
}

Response read_scgi(std::string_view bytes, Ending ending) {
  return read_whole(Dialect::kScgi, "GET", bytes, ending);
}
Response read_http(std::string_view bytes, Ending ending) {
  return read_whole(Dialect::kHttp, "GET", bytes, ending);
}

TEST(HarnessResponseReader, KnowsAWholeResponseByItsLength) {
  const std::string bytes = "Status: 404 Not Found\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n42";
  const Response response = read_scgi(bytes, Ending::kEof);
  EXPECT_TRUE(response.complete(404)) << response;
  EXPECT_EQ(response.reason, "Not Found");
  EXPECT_EQ(response.header("content-type"), "text/plain");
  EXPECT_EQ(response.body, "42");
  EXPECT_EQ(read_scgi(bytes, Ending::kReset).outcome, Outcome::kComplete);
  EXPECT_EQ(read_scgi(bytes, Ending::kTimeout).outcome, Outcome::kTimeout);
}

TEST(HarnessResponseReader, TakesACleanEndForWholeOnlyWithoutALength) {
  EXPECT_TRUE(read_scgi("Content-Type: text/plain\n\nhalf", Ending::kEof).complete(200));
  EXPECT_EQ(read_scgi("Content-Type: text/plain\n\nhalf", Ending::kReset).outcome, Outcome::kAborted);
  EXPECT_EQ(read_scgi("Content-Length: 9\n\nhalf", Ending::kEof).outcome, Outcome::kAborted);
}

TEST(HarnessResponseReader, TellsNothingFromTooLittleAndTooMuch) {
  EXPECT_EQ(read_scgi("", Ending::kEof).outcome, Outcome::kEmpty);
  EXPECT_EQ(read_scgi("", Ending::kReset).outcome, Outcome::kAborted);
  EXPECT_EQ(read_scgi("Status: 200 OK\r\n", Ending::kEof).outcome, Outcome::kMalformed);
  EXPECT_EQ(read_scgi("Content-Length: 2\n\n42Status: 502 Bad Gateway\n\n", Ending::kEof).outcome, Outcome::kMalformed);
}

TEST(HarnessResponseReader, ExpectsNoBodyAfterHead) {
  const std::string head = "Content-Type: text/plain\r\nContent-Length: 1000\r\n\r\n";
  EXPECT_TRUE(read_whole(Dialect::kScgi, "HEAD", head, Ending::kEof).complete(200));
  EXPECT_EQ(read_whole(Dialect::kScgi, "HEAD", head + "x", Ending::kEof).outcome, Outcome::kMalformed);
}

TEST(HarnessResponseReader, JoinsChunks) {
  const std::string chunks = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\n0123456789\r\n2\r\n42\r\n";
  const Response whole = read_http(chunks + "0\r\n\r\n", Ending::kEof);
  EXPECT_TRUE(whole.complete(200)) << whole;
  EXPECT_EQ(whole.body, "012345678942");
  EXPECT_EQ(read_http(chunks, Ending::kEof).outcome, Outcome::kAborted);
}

TEST(HarnessConnection, TellsAResetFromAnEnd) {
  for (const bool reset : {false, true}) {
    int pair[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    Connection client{UniqueFd(pair[0])};
    Connection server{UniqueFd(pair[1])};
    ASSERT_TRUE(client.send("ab"));
    ASSERT_TRUE(server.send("Content-Type: text/plain\n\nhalf"));
    // A Unix socket that is closed with unread input resets; one that has read all of it ends.
    EXPECT_EQ(server.receive_some(reset ? 1 : 2).size(), reset ? 1u : 2u);
    server.close();
    const Response response = client.receive(ResponseReader(Dialect::kScgi, "GET"));
    EXPECT_EQ(response.outcome, reset ? Outcome::kAborted : Outcome::kComplete) << response;
    EXPECT_EQ(response.body, "half");
  }
}

// The kernel tells a reset once, to whoever asks next: send(2) here, and recv(2) then says that this is the end.
TEST(HarnessConnection, TellsAResetFromAnEndWhileItSends) {
  UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(listener.get(), 1), 0);
  ASSERT_EQ(::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);

  Connection client = Connection::to({.host = "127.0.0.1", .port = ntohs(address.sin_port), .path = {}});
  const auto answer_and_reset = [&](std::uint64_t, char* to, std::size_t count) {
    Connection server{UniqueFd(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC))};
    EXPECT_TRUE(server.send("Content-Length: 9\n\nhalf"));
    server.reset();
    std::fill_n(to, count, 'x');
  };
  const Response response =
      client.exchange("head", Body{.size = 4, .fill = answer_and_reset}, ResponseReader(Dialect::kScgi, "POST"));
  EXPECT_EQ(response.ending, Ending::kReset) << response;
  EXPECT_EQ(response.body, "half");
}

TEST(HarnessScgiRequest, WritesTheVariablesAsANetstring) {
  const std::string bytes = ScgiRequest::post("/deepthought", "What is the answer to life?").bytes();
  using namespace std::string_literals;
  EXPECT_EQ(bytes, "70:CONTENT_LENGTH\00027\0SCGI\0001\0REQUEST_METHOD\0POST\0REQUEST_URI\0/deepthought\0,"s +
                       "What is the answer to life?");
}

TEST(HarnessBodyCheck, FindsEveryDifference) {
  const Body body = pattern_body(1000);
  std::string bytes(1000, '\0');
  body.fill(0, bytes.data(), bytes.size());
  const auto difference = [&](std::string_view arrived) {
    BodyCheck check(body);
    const auto sink = check.sink();
    for (const char& byte : arrived) sink({&byte, 1});
    return check.difference();
  };
  EXPECT_EQ(difference(bytes), "");
  EXPECT_THAT(difference(bytes.substr(1)), testing::StartsWith("byte 0 is "));
  EXPECT_EQ(difference(bytes.substr(0, 999)), "999 bytes and not 1000");
  EXPECT_EQ(difference(bytes + "x"), "1001 bytes and not 1000");
}

TEST(HarnessChild, IsSeenInProcWhileItRunsAndAfterwardsNot) {
  TempDir folder;
  Child child;
  child.start({.command = {"/bin/sleep", "60"}, .environment = {}, .output = folder / "output"});
  ASSERT_TRUE(eventually([&] { return find_process(child.pid())->name == "sleep"; }));
  const Process process = *find_process(child.pid());
  EXPECT_EQ(process.parent, getpid());
  EXPECT_EQ(descriptors_of(child.pid()).at(0), "/dev/null");
  EXPECT_GT(mappings_of(child.pid()), 0u);
  EXPECT_GT(own_memory_kb_of(child.pid()), 0u);
  EXPECT_GT(pss_kb_of(child.pid()), 0u);
  child.signal(SIGTERM);
  EXPECT_EQ(child.wait(kPatience), ExitStatus::killed(SIGTERM));
  EXPECT_FALSE(exists(process));
}

TEST(HarnessChild, SignalsNothingButItsOwnRunningProgram) {
  EXPECT_FALSE(Child().signal(SIGTERM));
  TempDir folder;
  Child child;
  child.start({.command = {"/bin/true"}, .environment = {}, .output = folder / "output"});
  EXPECT_EQ(child.wait(kPatience), ExitStatus::exited(0));
  EXPECT_FALSE(child.signal(SIGTERM));
  // Signal 0 hits nobody, even if this should fail.
  for (const pid_t pid : {-1, 0, 1, getppid(), getpid()}) EXPECT_FALSE(signal_own_child(pid, 0)) << pid;
  for (const pid_t pid : {-1, 0, 1}) EXPECT_THROW(descendants_of(pid), std::logic_error) << pid;
}

TEST(HarnessExpectedErrors, AreTheErrorsOfTheLogAndNoOther) {
  const std::string log =
      "2024-01-31T23:59:59.999Z info    no error of mine\n"
      "a plugin's own error line\n"
      "2024-01-31T23:59:59.999Z error   worker 4711: died of signal 9\n"
      "{\"time\":\"2024-01-31T23:59:59.999Z\",\"level\":\"error\",\"message\":\"degraded\"}\n";
  ExpectedErrors errors;
  EXPECT_EQ(errors.surprises(log).size(), 2u);
  errors.add("worker * died of signal 9");
  EXPECT_THAT(errors.surprises(log), testing::ElementsAre(testing::HasSubstr("not expected: {")));
  errors.add("degraded");
  EXPECT_THAT(errors.surprises(log), testing::IsEmpty());
  errors.add("died of signal * worker");
  EXPECT_THAT(errors.surprises(log),
              testing::ElementsAre(testing::StrEq("expected and not there: died of signal * worker")));
}

TEST(HarnessExpectedErrors, MayBeCounted) {
  const std::string line = "2024-01-31T23:59:59.999Z error   worker 4711: died of signal 9\n";
  for (const std::size_t times : {0, 1, 2, 3}) {
    std::string log;
    for (std::size_t i = 0; i < times; ++i) log += line;
    ExpectedErrors twice;
    twice.add("died of signal 9", 2);
    EXPECT_EQ(twice.surprises(log).empty(), times == 2);
    ExpectedErrors never;
    never.add("died of signal 9", 0);
    EXPECT_EQ(never.surprises(log).empty(), times == 0);
  }
}

TEST(HarnessServer, IsNotAtRestWhileAnythingIsLeft) {
  constexpr milliseconds kMoment(50);
  Site site(Road::kTcp, "workers: {min: 1, max: 1}\n");
  Server& server = site.server();
  EXPECT_TRUE(server.at_rest());
  Connection silent = Connection::to(server.listener("app"));
  EXPECT_TRUE(eventually([&] { return !server.at_rest(kMoment); }));
  EXPECT_THAT(server.at_rest(kMoment).message(), testing::HasSubstr("descriptors of the master"));
  silent.close();
  EXPECT_TRUE(server.at_rest());

  StopPoint stop_point;
  Site::Asked asked = site.ask("/", {{"X-Stop", "before"}, {"X-Control", stop_point.path()}}, {});
  Stopped worker = stop_point.wait();
  EXPECT_THAT(server.at_rest(kMoment).message(), testing::HasSubstr("descriptors of worker"));
  worker.fork_child();
  Stopped child = stop_point.wait();
  EXPECT_THAT(server.at_rest(kMoment).message(), testing::HasSubstr("is a child of process"));
  child.call_exit();
  worker.go_on();
  EXPECT_TRUE(asked.response().complete(200));
  const auto has_zombie = [&] {
    return std::string_view(server.at_rest(milliseconds(0)).message()).find("is a zombie") != std::string_view::npos;
  };
  EXPECT_TRUE(eventually(has_zombie));

  server.expect_error("worker * died of signal 9 (Killed) while idle");
  server.signal_worker(worker.pid(), SIGKILL);
  ASSERT_TRUE(wait_until_gone(worker.pid()));
  EXPECT_TRUE(server.at_rest()) << "another worker has taken its place";
  server.expect_workers("app", 2);
  EXPECT_THAT(server.at_rest(kMoment).message(), testing::HasSubstr("has 1 workers and not 2 to 2"));
  server.expect_workers("app", 1);
}

// Heads that have begun take 4 KiB each.
TEST(NotSanitizedHarnessServer, IsNotAtRestWhileTheMasterHasMoreMemory) {
  Server server({App{.name = "hello", .plugin = plugin_file("hello")}});
  server.start();
  std::vector<Connection> half;
  for (int i = 0; i < 400; ++i) {
    half.push_back(Connection::to(server.listener("hello")));
    ASSERT_TRUE(half.back().send("70:CONTENT_LENGTH"));
  }
  const auto has_more = [&] {
    return std::string_view(server.at_rest(milliseconds(0)).message()).find(" KB of its own and not ") !=
           std::string_view::npos;
  };
  EXPECT_TRUE(eventually(has_more));
  half.clear();
  EXPECT_TRUE(server.at_rest());
}

TEST(HarnessServer, IsNotAtRestWithAProcessThatIsNoWorker) {
  Server server({App{.name = "hello", .plugin = plugin_file("hello"), .more = "workers: {min: 1, max: 1}\n"}});
  server.start();
  const Leftovers leftovers(server.pid(), {{"hello", {1, 1}}});
  EXPECT_TRUE(leftovers.none({{"hello", {1, 1}}}));
  EXPECT_THAT(leftovers.none({}, milliseconds(0)).message(), testing::HasSubstr("(fl:hello) is no worker"));
}

// Each answer wakes the master, and between them it is at rest.
TEST(HarnessServer, IsNotAtRestWhileTheMasterIsWokenAgainAndAgain) {
  Server server({App{.name = "hello", .plugin = plugin_file("hello")}});
  server.start();
  std::atomic<bool> over = false;
  std::thread waker([&] {
    while (!over) {
      server.signal(SIGUSR1);
      std::this_thread::sleep_for(milliseconds(2));
    }
  });
  EXPECT_TRUE(eventually([&] {
    return std::string_view(server.at_rest(milliseconds(0)).message()).find("the master was woken ") !=
           std::string_view::npos;
  }));
  over = true;
  waker.join();
  EXPECT_TRUE(server.at_rest());
}

TEST(HarnessServer, HasToBeLookedAt) {
  const auto launch_and_end = [](const std::function<void(Server&)>& more) {
    Server server({App{.name = "hello", .plugin = plugin_file("hello"), .listen = {"unix:hello.sock"}}});
    server.launch();
    ASSERT_TRUE(server.wait_for_log("READY: "));
    more(server);
    server.signal(SIGTERM);
    EXPECT_EQ(server.wait(), ExitStatus::exited(0));
  };
  EXPECT_NONFATAL_FAILURE(launch_and_end([](Server&) {}), "without being looked at");
  launch_and_end([](Server& server) { server.skip_rest("it is told so"); });
  Server server({App{.name = "hello", .plugin = plugin_file("hello"), .listen = {"unix:hello.sock"}}});
  server.launch();
  ASSERT_TRUE(server.wait_for_log("READY: "));
  server.remember_rest();
  EXPECT_EQ(server.stop(), ExitStatus::exited(0));
}

TEST(HarnessServe, TellsErrorsThatNobodyHasAnnounced) {
  Server server({App{.name = "hello", .plugin = plugin_file("hello")}});
  server.start();
  const auto serve = [&](const std::string& output, const char* announced) {
    Serve second({.file = server.config_file(), .output = server.folder() / output});
    if (announced != nullptr) second.expect_error(announced);
    EXPECT_EQ(second.child().wait(kPatience), ExitStatus::exited(1));
  };
  EXPECT_NONFATAL_FAILURE(serve("second", nullptr), "not expected: ");
  serve("third", "could not start: another server (pid *) is running from this file");
}

TEST(HarnessServer, ReadsItsListenersFromTheLog) {
  const auto listeners = parse_ready(R"(READY: app "a" on 127.0.0.1:40123 unix:/tmp/x.sock; app "b" on [::1]:4001)");
  EXPECT_EQ(listeners.at("a").at(0).to_string(), "127.0.0.1:40123");
  EXPECT_EQ(listeners.at("a").at(1).to_string(), "unix:/tmp/x.sock");
  EXPECT_EQ(listeners.at("b").at(0).to_string(), "[::1]:4001");
  EXPECT_THROW(parse_ready("READY: nothing"), std::runtime_error);
}

TEST(HarnessFaults, FailTheCallsThatTheyWereToldToFailAndNoOther) {
  Server server({App{.name = "hello", .plugin = plugin_file("hello")}});
  Faults faults(server);
  server.start();
  const auto answered = [&] { return fetch(server.listener("hello"), ScgiRequest::get("/")).complete(200); };
  faults.fail(SHIM_ACCEPT4, EMFILE, {.after = 1, .count = 1, .places = SHIM_MASTER});
  EXPECT_TRUE(answered() && answered() && answered());
  EXPECT_EQ(faults.failed(SHIM_ACCEPT4), 1u);
  faults.fail(SHIM_ACCEPT4, EMFILE);
  const UniqueFd waiting = connect_to(server.listener("hello"));
  EXPECT_TRUE(eventually([&] { return faults.failed(SHIM_ACCEPT4) > 0; }));
  faults.clear();
  EXPECT_TRUE(answered());
}

TEST(HarnessNginx, SaysBadGatewayWhereNobodyListens) {
  Front nginx(FrontKind::kNginx);
  nginx.start({{"nobody", Endpoint::parse("unix:/nobody/listens/here")}});
  const Response response = fetch(nginx.endpoint(), HttpRequest::get("/nobody"));
  EXPECT_TRUE(response.complete(502)) << response;
  EXPECT_THAT(nginx.log(), testing::HasSubstr("/nobody/listens/here"));
  EXPECT_EQ(nginx.stop(), ExitStatus::exited(0));
}

}  // namespace
}  // namespace harness
