// forklift::ConnectionPlugin, from the host's side of the boundary.
#include <gmock/gmock.h>
#include <sys/socket.h>
#include <unistd.h>

#include <forklift/testing.hpp>
#include <string>

namespace {

using forklift::testing::LogLine;
using forklift::testing::Plugin;
using testing::ElementsAre;
using testing::IsEmpty;

class ConnectionPlugin : public testing::Test {
 protected:
  ConnectionPlugin() { EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends_), 0); }
  ~ConnectionPlugin() override {
    ::close(ends_[0]);
    ::close(ends_[1]);
  }

  Plugin plugin_ = Plugin::load(CONNECTIONS);
  int ends_[2] = {-1, -1};
};

TEST_F(ConnectionPlugin, HasHandleConnectionAndNoProduce) {
  EXPECT_TRUE(FORKLIFT_HAS(&plugin_.descriptor(), handle_connection));
  EXPECT_EQ(plugin_.descriptor().produce, nullptr);
}

TEST_F(ConnectionPlugin, GetsTheConnectionAndWhatWasTakenFromIt) {
  EXPECT_EQ(plugin_.handle_connection(ends_[0], "what was taken"), FORKLIFT_OK);
  char buffer[100];
  const ssize_t size = ::recv(ends_[1], buffer, sizeof buffer, 0);
  EXPECT_EQ(std::string(buffer, static_cast<std::size_t>(size)), "what was taken");
  EXPECT_THAT(plugin_.log(), IsEmpty());
}

TEST_F(ConnectionPlugin, TurnsExceptionsIntoFailuresWithALineInTheLog) {
  for (const auto& [what, reason] :
       {std::pair("throw", "the line is busy"), std::pair("int", "an exception that is not a std::exception")}) {
    Plugin plugin = Plugin::load(CONNECTIONS);
    EXPECT_NE(plugin.handle_connection(ends_[0], what), FORKLIFT_OK);
    EXPECT_THAT(plugin.log(), ElementsAre(LogLine{FORKLIFT_LOG_ERROR, reason}));
  }
}

}  // namespace
