// What a worker has no more of what root has started the server with.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/keyctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "harness/scgi_request.h"
#include "harness/server.h"

namespace harness {
namespace {

using testing::HasSubstr;

App told_to_tell(const std::string& name, const std::string& more) {
  return {.name = name, .plugin = fixture_file("tells_its_privileges"), .more = more};
}

std::string told_by_app(const Server& server, const std::string& app) {
  return fetch(server.listener(app), ScgiRequest::get("/")).body;
}

// Who possesses a key may read it, whatever user he is.
TEST(PrivilegesOfRoot, AWorkerHasNoKeysOfRootsSession) {
  constexpr std::string_view kSecret = "known to root";
  if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, nullptr) < 0) GTEST_SKIP() << "no keyrings: " << strerror(errno);
  ASSERT_GE(syscall(SYS_add_key, "user", "forklift-test", kSecret.data(), kSecret.size(), KEY_SPEC_SESSION_KEYRING), 0);
  Server server({told_to_tell("app", "user: nobody\nsettings: {key: forklift-test}\n"),
                 told_to_tell("roots", "user: root\nsettings: {key: forklift-test}\n")});
  server.start();
  EXPECT_THAT(told_by_app(server, "app"), HasSubstr("\nkey Required key not available\n"));
  EXPECT_THAT(told_by_app(server, "roots"), HasSubstr("\nkey known to root\n")) << "a worker that is root";
}

}  // namespace
}  // namespace harness
