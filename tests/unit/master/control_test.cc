// The control socket with real clients: who may ask, what a request may be, and that no client holds up the loop.
#include "master/control.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/unix_address.h"
#include "folder.h"
#include "master/control_messages.h"

namespace forklift::master {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

// What a master would do.
struct Handler final : ControlHandler {
  std::string status() override { return document; }
  void stop() override { ++stops; }
  Result<void> reload(std::optional<std::string> app, bool restart, ControlClientId client) override {
    if (app == "unknown") return fail("there is no app \"unknown\"");
    asked.push_back(fmt::format("{} {}", restart ? "restart" : "reload", app.value_or("*")));
    asker = client;
    return {};
  }

  std::string document = R"({"pid":7})";
  int stops = 0;
  std::vector<std::string> asked;
  ControlClientId asker;
};

UniqueFd connect_to(const std::string& path) {
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  auto address = UnixAddress::of(path);
  return ::connect(fd.get(), address->get(), address->size) == 0 ? std::move(fd) : UniqueFd();
}

class ControlTest : public testing::Test {
 protected:
  ControlTest() {
    log::redirect([this](log::Level, std::string_view line) { log_ += std::string(line) + "\n"; });
  }
  ~ControlTest() override { log::redirect({}); }

  void SetUp() override {
    const auto opened = control_.open(path_);
    ASSERT_TRUE(opened) << opened.error().message();
  }

  // The master's loop, until nothing more happens.
  void turn() {
    while (true) {
      const auto events = loop_.poller.wait(Clock::now());
      if (events.empty()) return;
      for (const auto& event : events) {
        if (event.token.kind == static_cast<std::uint8_t>(Watch::kControl)) control_.accept();
        if (event.token.kind == static_cast<std::uint8_t>(Watch::kControlClient)) {
          control_.on_event({event.token.index, event.token.serial}, event.events);
        }
      }
    }
  }
  // As if so much time had passed.
  void later(Duration time) {
    loop_.timers.run(Clock::now() + time);
    turn();
  }

  UniqueFd ask(std::string_view request) {
    UniqueFd client = connect_to(path_);
    EXPECT_TRUE(client) << errno;
    EXPECT_EQ(::send(client.get(), request.data(), request.size(), MSG_NOSIGNAL), static_cast<ssize_t>(request.size()));
    turn();
    return client;
  }
  // All that has come; ends with `<end>` where the connection has.
  std::string read(const UniqueFd& client) {
    std::string text;
    char buffer[65536];
    while (true) {
      const ssize_t n = ::recv(client.get(), buffer, sizeof buffer, MSG_DONTWAIT);
      if (n < 0 && errno == EAGAIN) return text;
      if (n <= 0) return text + "<end>";
      text.append(buffer, static_cast<std::size_t>(n));
      turn();
    }
  }
  std::string answer(std::string_view request) { return read(ask(request)); }

  const Folder folder_;
  const std::string path_ = folder_ / "control";
  std::string log_;
  Loop loop_{std::move(*Poller::create()), {}};
  Handler handler_;
  Control control_{loop_, handler_, ::geteuid()};
};

TEST_F(ControlTest, answers_status_with_the_document_and_the_end) {
  EXPECT_EQ(answer("{\"command\":\"status\"}\n"), "{\"pid\":7}\n<end>");
}

TEST_F(ControlTest, takes_a_request_in_pieces_and_without_a_newline_at_the_end_of_the_clients_half) {
  UniqueFd client = ask("{\"comm");
  EXPECT_EQ(read(client), "");
  ASSERT_EQ(::send(client.get(), "and\":\"status\"}", 14, MSG_NOSIGNAL), 14);
  turn();
  EXPECT_EQ(read(client), "");
  ::shutdown(client.get(), SHUT_WR);
  turn();
  EXPECT_EQ(read(client), "{\"pid\":7}\n<end>");
}

TEST_F(ControlTest, keeps_whom_it_stops_for_connected) {
  const UniqueFd client = ask("{\"command\":\"stop\"}\n");
  EXPECT_EQ(read(client), "{\"event\":\"stopping\"}\n");
  EXPECT_EQ(handler_.stops, 1);
  EXPECT_THAT(log_, HasSubstr("asks for a stop"));
}

TEST_F(ControlTest, tells_a_reload_step_by_step) {
  const UniqueFd client = ask("{\"command\":\"reload\"}\n");
  EXPECT_THAT(handler_.asked, ElementsAre("reload *"));
  control_.tell(handler_.asker, progress_event("shop", "generation 4: READY"));
  EXPECT_EQ(read(client), "{\"event\":\"progress\",\"app\":\"shop\",\"text\":\"generation 4: READY\"}\n");
  control_.finish(handler_.asker,
                  finished_event({.ok = true, .apps = {{"shop", "reloaded", 4, "", {"shop", "2.1", "ab01"}}}}));
  EXPECT_EQ(read(client),
            "{\"event\":\"finished\",\"ok\":true,\"apps\":[{\"app\":\"shop\",\"outcome\":\"reloaded\","
            "\"generation\":4,\"plugin_version\":\"2.1\",\"build_id\":\"ab01\",\"reason\":\"\"}],\"problems\":[],"
            "\"notes\":[]}\n<end>");
  control_.tell(handler_.asker, "nobody listens");
  control_.finish(handler_.asker, "nobody listens");
}

TEST_F(ControlTest, passes_on_which_app_is_meant) {
  const UniqueFd one = ask("{\"command\":\"reload\",\"app\":\"shop\"}\n");
  const UniqueFd two = ask("{\"app\":\"blog\",\"command\":\"restart\"}\n");
  EXPECT_THAT(handler_.asked, ElementsAre("reload shop", "restart blog"));
  EXPECT_EQ(answer("{\"command\":\"reload\",\"app\":\"unknown\"}\n"),
            "{\"event\":\"error\",\"text\":\"there is no app \\\"unknown\\\"\"}\n<end>");
}

TEST_F(ControlTest, a_reload_goes_on_without_the_one_who_asked) {
  UniqueFd client = ask("{\"command\":\"reload\"}\n");
  const ControlClientId gone = handler_.asker;
  client.reset();
  turn();
  const UniqueFd next = ask("{\"command\":\"reload\"}\n");
  control_.tell(gone, "for nobody");
  control_.finish(gone, "for nobody");
  EXPECT_EQ(read(next), "") << "the next one has the same place";
}

TEST_F(ControlTest, obeys_one_who_leaves_at_once) {
  UniqueFd client = connect_to(path_);
  constexpr std::string_view kStop = "{\"command\":\"stop\"}\n";
  ASSERT_EQ(::send(client.get(), kStop.data(), kStop.size(), MSG_NOSIGNAL), static_cast<ssize_t>(kStop.size()));
  client.reset();
  turn();
  EXPECT_EQ(handler_.stops, 1);
}

TEST_F(ControlTest, says_what_is_wrong_with_a_request) {
  const std::pair<const char*, const char*> kWrong[] = {
      {"\n", "no JSON object"},
      {"7\n", "no JSON object"},
      {"[]\n", "no JSON object"},
      {"{\n", "no JSON object"},
      {"\x1b[31m\xff\n", "\\\\x1b[31m\\\\xff"},
      {"{}\n", "names no command"},
      {"{\"command\":7}\n", "no JSON object with texts"},
      {"{\"command\":\"launch\"}\n", "unknown command \\\"launch\\\"; there are status, stop, reload, restart"},
      {"{\"command\":\"restart\"}\n", "restart needs an app"},
      {"{\"command\":\"restart\",\"app\":[]}\n", "no JSON object with texts"},
      {"{\"command\":\"stop\",\"app\":\"shop\"}\n", "stop takes no app"},
  };
  for (const auto& [request, why] : kWrong) {
    const std::string said = answer(request);
    EXPECT_THAT(said,
                AllOf(StartsWith("{\"event\":\"error\",\"text\":\""), HasSubstr(why), testing::EndsWith("}\n<end>")))
        << request;
  }
  EXPECT_THAT(answer(std::string(4000, '[') + "\n"), HasSubstr("no JSON object"));
  EXPECT_EQ(handler_.stops, 0);
  EXPECT_THAT(handler_.asked, IsEmpty());
}

TEST_F(ControlTest, takes_four_kilobytes_and_no_more) {
  const std::string padding(Control::kRequestBytesMax - 20, ' ');
  EXPECT_EQ(answer("{\"command\":\"status\"}" + padding + "\n"), "{\"pid\":7}\n<end>");
  EXPECT_THAT(answer("{\"command\":\"status\"}" + padding + " \n"), HasSubstr("at most 4096 bytes"));
  EXPECT_THAT(answer(std::string(100'000, 'x')), HasSubstr("at most 4096 bytes"));
}

TEST_F(ControlTest, ends_with_who_asks_nothing_for_five_seconds) {
  const UniqueFd silent = ask("");
  const UniqueFd slow = ask("{");
  later(milliseconds(4500));
  EXPECT_EQ(read(silent), "");
  later(milliseconds(5500));
  for (const UniqueFd* client : {&silent, &slow}) {
    EXPECT_EQ(read(*client), "{\"event\":\"error\",\"text\":\"no request within 5 s\"}\n<end>");
  }
}

TEST_F(ControlTest, shows_whom_it_lets_wait_that_it_lives) {
  const UniqueFd client = ask("{\"command\":\"reload\"}\n");
  for (int i = 0; i < 3; ++i) {
    const TimePoint due = loop_.timers.next();
    EXPECT_LE(due, Clock::now() + seconds(5));
    EXPECT_EQ(read(client), "");
    loop_.timers.run(due);
    EXPECT_EQ(read(client), "{\"event\":\"waiting\"}\n");
  }
}

TEST_F(ControlTest, has_room_for_sixteen_and_says_so_to_others) {
  std::vector<UniqueFd> clients;
  for (std::size_t i = 0; i < Control::kClientsMax; ++i) clients.push_back(ask(""));
  EXPECT_THAT(answer(""), HasSubstr("16 commands talk to the server already"));
  clients.pop_back();
  turn();
  EXPECT_EQ(answer("{\"command\":\"status\"}\n"), "{\"pid\":7}\n<end>");
}

TEST_F(ControlTest, a_document_may_be_larger_than_what_the_kernel_takes_at_once) {
  handler_.document = std::string(5'000'000, 'd');
  EXPECT_EQ(answer("{\"command\":\"status\"}\n"), handler_.document + "\n<end>");
}

TEST_F(ControlTest, drops_who_does_not_read_for_ten_seconds) {
  handler_.document = std::string(5'000'000, 'd');
  const UniqueFd client = ask("{\"command\":\"status\"}\n");
  later(milliseconds(9500));
  EXPECT_EQ(answer("{\"command\":\"stop\"}\n"), "{\"event\":\"stopping\"}\n") << "others are answered meanwhile";
  EXPECT_EQ(log_.find("does not read"), std::string::npos);
  later(milliseconds(10'500));
  EXPECT_THAT(log_, HasSubstr("does not read"));
  const std::string got = read(client);
  EXPECT_LT(got.size(), handler_.document.size());
  EXPECT_THAT(got, testing::EndsWith("<end>"));
}

TEST_F(ControlTest, drops_who_lets_too_much_wait) {
  const UniqueFd client = ask("{\"command\":\"reload\"}\n");
  for (int i = 0; i < 40; ++i) control_.tell(handler_.asker, std::string(100'000, 't'));
  EXPECT_THAT(log_, HasSubstr("does not read"));
  EXPECT_LT(read(client).size(), 2 * Control::kWaitingBytesMax);
}

TEST_F(ControlTest, only_its_user_may_connect) {
  struct stat status {};
  ASSERT_EQ(::lstat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600U);
  EXPECT_TRUE(S_ISSOCK(status.st_mode));
}

// Who has got past the mode of the path: root's peer becomes another user for a moment; others have a server that
// belongs to somebody else.
TEST_F(ControlTest, refuses_strangers_by_what_the_kernel_says_of_them) {
  const bool is_root = ::geteuid() == 0;
  Control guarded(loop_, handler_, is_root ? 0 : ::geteuid() + 1);
  const std::string path = folder_ / "guarded";
  ASSERT_TRUE(guarded.open(path));
  ASSERT_EQ(::chmod(folder_.operator/("").c_str(), 0711), 0);
  ASSERT_EQ(::chmod(path.c_str(), 0666), 0);
  ASSERT_EQ(::seteuid(is_root ? 65534 : ::geteuid()), 0);
  const UniqueFd client = connect_to(path);
  ASSERT_EQ(::seteuid(is_root ? 0 : ::geteuid()), 0);
  ASSERT_TRUE(client);
  guarded.accept();
  EXPECT_THAT(read(client), AllOf(HasSubstr("\"event\":\"error\""), HasSubstr("may not control this server"),
                                  testing::EndsWith("<end>")));
  EXPECT_THAT(log_, HasSubstr("control: refused user"));
}

TEST_F(ControlTest, a_path_where_somebody_listens_is_refused_and_stays) {
  Control second(loop_, handler_, ::geteuid());
  const auto opened = second.open(path_);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().message(), "control: listen on unix:" + path_ + ": another server is listening there");
  EXPECT_TRUE(connect_to(path_));
}

TEST(ControlSocket, is_removed_at_the_end_while_those_who_wait_stay_connected) {
  const Folder folder;
  Loop loop{std::move(*Poller::create()), {}};
  Handler handler;
  UniqueFd client;
  {
    Control control(loop, handler, ::geteuid());
    ASSERT_TRUE(control.open(folder / "control"));
    client = connect_to(folder / "control");
    control.accept();
  }
  EXPECT_FALSE(std::filesystem::exists(folder / "control"));
  pollfd entry{client.get(), POLLIN, 0};
  EXPECT_EQ(::poll(&entry, 1, 0), 0) << "it ends with the process";
}

TEST(ControlSocket, takes_the_place_of_one_that_a_killed_server_has_left) {
  const Folder folder;
  config::Listen listen;
  listen.address = {config::Address::Family::kUnix, {}, 0, folder / "control"};
  ASSERT_TRUE(Listener::bind(listen));
  ASSERT_TRUE(std::filesystem::exists(folder / "control"));
  Loop loop{std::move(*Poller::create()), {}};
  Handler handler;
  Control control(loop, handler, ::geteuid());
  EXPECT_TRUE(control.open(folder / "control"));
}

TEST(ControlMessages, are_one_line_whatever_they_tell) {
  const std::string line = error_event("a\n\x1b\xff\"\\ \u00e9");
  EXPECT_EQ(line, "{\"event\":\"error\",\"text\":\"a\\\\n\\\\x1b\\\\xff\\\"\\\\ \u00e9\"}");
  EXPECT_EQ(waiting_event(), "{\"event\":\"waiting\"}");
  EXPECT_EQ(finished_event({.ok = false, .problems = {"a.yaml:1:2: x"}, .notes = {"pid_file: y"}}),
            "{\"event\":\"finished\",\"ok\":false,\"apps\":[],\"problems\":[\"a.yaml:1:2: x\"],\"notes\":[\"pid_file: "
            "y\"]}");
}

}  // namespace
}  // namespace forklift::master
