// The master has no memory left, as under ulimit -v or where the kernel does not overcommit: it takes on nothing more,
// keeps what it has, and goes on when there is some again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <string>
#include <vector>

#include "harness/many_descriptors.h"
#include "harness/processes.h"
#include "harness/scgi_request.h"
#include "harness/server.h"

namespace harness {
namespace {

using testing::HasSubstr;

// The address space that the process has, and hardly more, as long as the object lives.
class NoMemory {
 public:
  explicit NoMemory(pid_t pid) : pid_(pid) {
    EXPECT_EQ(prlimit(pid, RLIMIT_AS, nullptr, &before_), 0);
    const rlimit none{address_space_kb_of(pid) * 1024 + 64 * 1024, before_.rlim_max};
    EXPECT_EQ(prlimit(pid, RLIMIT_AS, &none, nullptr), 0);
  }
  ~NoMemory() { EXPECT_EQ(prlimit(pid_, RLIMIT_AS, &before_, nullptr), 0); }
  NoMemory(const NoMemory&) = delete;
  NoMemory& operator=(const NoMemory&) = delete;

 private:
  const pid_t pid_;
  rlimit before_{};
};

// The sanitizers' shadow takes more address space than there would be.
class NotSanitizedNoMemory : public testing::Test {
 protected:
  static void SetUpTestSuite() { allow_many_descriptors(); }

  static void expect_recovery(const std::string& listen);
};

void NotSanitizedNoMemory::expect_recovery(const std::string& listen) {
  Server server({{.name = "app", .plugin = plugin_file("hello"), .listen = {listen}},
                 {.name = "other", .plugin = plugin_file("hello")}});
  server.expect_error("app \"app\": memory for head buffers: Cannot allocate memory; answered 503");
  server.start();
  const ScgiRequest request = ScgiRequest::get("/");
  EXPECT_TRUE(fetch(server.listener("other"), request).complete(200));
  std::vector<Connection> crowd;
  {
    const NoMemory limit(server.pid());
    for (int i = 0; i < 1500; ++i) {
      crowd.push_back(Connection::to(server.listener("app")));
      crowd.back().send(request.head().substr(0, 20));
    }
    ASSERT_TRUE(server.wait_for_log(": Cannot allocate memory; trying again in half a second"));
    EXPECT_THAT(server.log(), HasSubstr("app \"app\": accept on "));
  }
  EXPECT_TRUE(fetch(server.listener("other"), request, kMuchPatience).complete(200));
  EXPECT_TRUE(fetch(server.listener("app"), request, kMuchPatience).complete(200));
}

TEST_F(NotSanitizedNoMemory, ForMoreConnectionsOnTcpIsWaitedOut) {
  expect_recovery("127.0.0.1:0");
}

TEST_F(NotSanitizedNoMemory, ForMoreConnectionsOnAUnixSocketIsWaitedOut) {
  expect_recovery("unix:app.sock");
}

}  // namespace
}  // namespace harness
