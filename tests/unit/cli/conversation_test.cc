#include "cli/conversation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "base/unix_address.h"

namespace forklift::cli {
namespace {

using testing::HasSubstr;

class ConversationTest : public testing::Test {
 protected:
  ConversationTest() {
    std::string name = testing::TempDir() + "forklift-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    folder_ = name;
    path_ = folder_ + "/control";
  }
  ~ConversationTest() override { std::filesystem::remove_all(folder_); }

  void listen() {
    listener_.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    auto address = UnixAddress::of(path_);
    ASSERT_EQ(::bind(listener_.get(), address->get(), address->size), 0);
    ASSERT_EQ(::listen(listener_.get(), 4), 0);
  }
  UniqueFd accept() { return UniqueFd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)); }
  static void send(const UniqueFd& to, std::string_view text) {
    ASSERT_EQ(::send(to.get(), text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
  }

  std::string folder_;
  std::string path_;
  UniqueFd listener_;
};

TEST_F(ConversationTest, asks_and_hears_line_by_line_until_the_end) {
  listen();
  auto talk = Conversation::begin(path_, "{\"command\":\"status\"}");
  ASSERT_TRUE(talk) << talk.error().message();
  UniqueFd server = accept();
  char request[64];
  const ssize_t n = ::recv(server.get(), request, sizeof request, 0);
  EXPECT_EQ(std::string(request, static_cast<std::size_t>(std::max<ssize_t>(n, 0))), "{\"command\":\"status\"}\n");
  send(server, "one\ntwo\nthr");
  EXPECT_EQ(*talk->next_line(seconds(5)), "one");
  EXPECT_EQ(*talk->next_line(seconds(5)), "two");
  send(server, "ee\n");
  EXPECT_EQ(*talk->next_line(seconds(5)), "three");
  server.reset();
  EXPECT_EQ(*talk->next_line(seconds(5)), std::nullopt);
}

TEST_F(ConversationTest, waits_for_a_silent_server_only_so_long) {
  listen();
  auto talk = Conversation::begin(path_, "{}");
  ASSERT_TRUE(talk);
  const auto line = talk->next_line(milliseconds(50));
  ASSERT_FALSE(line);
  EXPECT_EQ(line.error().message(), "the server has not answered for 1 s");
}

TEST_F(ConversationTest, hears_why_it_was_refused_before_it_could_ask) {
  listen();
  // The refusal comes, and the connection is closed, with the request unread.
  auto talk = Conversation::begin(path_, "{}");
  ASSERT_TRUE(talk);
  UniqueFd server = accept();
  send(server, "no\n");
  server.reset();
  EXPECT_EQ(*talk->next_line(seconds(5)), "no");
  EXPECT_EQ(*talk->next_line(seconds(5)), std::nullopt);
}

TEST_F(ConversationTest, says_that_no_server_runs) {
  EXPECT_EQ(Conversation::begin(path_, "{}").error().message(), "no server runs there");
  listen();
  listener_.reset();
  EXPECT_EQ(Conversation::begin(path_, "{}").error().message(), "no server runs there") << "a killed one has left it";
  EXPECT_THAT(Conversation::begin(std::string(200, 'x'), "{}").error().message(), HasSubstr("longer than"));
}

TEST_F(ConversationTest, gives_up_where_nobody_accepts) {
  listener_.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  auto address = UnixAddress::of(path_);
  ASSERT_EQ(::bind(listener_.get(), address->get(), address->size), 0);
  ASSERT_EQ(::listen(listener_.get(), 0), 0);
  const auto first = Conversation::begin(path_, "{}");  // stands in the backlog
  ASSERT_TRUE(first);
  EXPECT_EQ(Conversation::begin(path_, "{}").error().message(), "the server does not take connections");
}

}  // namespace
}  // namespace forklift::cli
