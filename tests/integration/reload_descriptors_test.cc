// A reload that runs out of descriptors, at whichever of them, has changed nothing and leaves nothing.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <filesystem>

#include "harness/processes.h"
#include "harness/scgi_request.h"
#include "harness/server.h"

namespace harness {
namespace {

TEST(ReloadWithoutDescriptors, LeavesNoPath) {
  const App before{.name = "app", .plugin = plugin_file("hello"), .listen = {"unix:a.sock"}};
  App more = before;
  for (const char* path : {"unix:b.sock", "unix:c.sock", "unix:d.sock"}) more.listen.emplace_back(path);
  Server server({before});
  server.expect_error("reload: pidfd_open: Too many open files");
  server.expect_error("reload: listen on unix:*: too many descriptors are open");
  server.expect_error("reload: nothing has changed");
  server.expect_error("a worker could not be started: socketpair*: Too many open files; generation 1 stays");
  server.start();
  server.configure({more});
  rlimit limit{};
  ASSERT_EQ(prlimit(server.pid(), RLIMIT_NOFILE, nullptr, &limit), 0);
  int failed = 0;
  for (rlim_t left = 1; left < 30; ++left) {
    ASSERT_TRUE(server.at_rest());
    const rlimit few{descriptors_of(server.pid()).rbegin()->first + 1 + left, limit.rlim_max};
    ASSERT_EQ(prlimit(server.pid(), RLIMIT_NOFILE, &few, nullptr), 0);
    const std::string end = server.reload();
    ASSERT_EQ(prlimit(server.pid(), RLIMIT_NOFILE, &limit, nullptr), 0);
    if (end.ends_with(" 0 failed")) break;
    ++failed;
    for (const char* name : {"b.sock", "c.sock", "d.sock"}) {
      EXPECT_FALSE(std::filesystem::exists(server.folder() / name)) << name << " with " << left << " left: " << end;
    }
    EXPECT_TRUE(fetch(server.listener("app"), ScgiRequest::get("/")).complete(200));
  }
  EXPECT_GT(failed, 3);
  server.expect_descriptors("socket", 3);
}

}  // namespace
}  // namespace harness
