// forklift::ConnectionPlugin, from the host's side of the boundary.
#include <gmock/gmock.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fake_host.h"

namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

class ConnectionPlugin : public testing::Test {
 protected:
  ConnectionPlugin() {
    EXPECT_EQ(plugin_.create(host_), FORKLIFT_OK);
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends_), 0);
  }
  ~ConnectionPlugin() override {
    ::close(ends_[0]);
    ::close(ends_[1]);
  }

  fake::Host host_;
  fake::Plugin plugin_{CONNECTIONS};
  int ends_[2] = {-1, -1};
};

TEST_F(ConnectionPlugin, HasHandleConnectionAndNoProduce) {
  EXPECT_TRUE(FORKLIFT_HAS(plugin_.operator->(), handle_connection));
  EXPECT_EQ(plugin_->produce, nullptr);
}

TEST_F(ConnectionPlugin, GetsTheConnectionAndWhatWasTakenFromIt) {
  EXPECT_EQ(plugin_.handle_connection(ends_[0], "what was taken"), FORKLIFT_OK);
  char buffer[100];
  const ssize_t size = ::recv(ends_[1], buffer, sizeof buffer, 0);
  EXPECT_EQ(std::string(buffer, static_cast<std::size_t>(size)), "what was taken");
  EXPECT_THAT(host_.logged, IsEmpty());
}

TEST_F(ConnectionPlugin, TurnsExceptionsIntoFailuresWithALineInTheLog) {
  for (const auto& [what, reason] :
       {std::pair("throw", "the line is busy"), std::pair("int", "an exception that is not a std::exception")}) {
    host_.logged.clear();
    EXPECT_NE(plugin_.handle_connection(ends_[0], what), FORKLIFT_OK);
    EXPECT_THAT(host_.logged, ElementsAre(Pair(FORKLIFT_LOG_ERROR, reason)));
  }
}

}  // namespace
