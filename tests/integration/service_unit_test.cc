// conf/forklift.service and conf/forklift.socket: what systemd thinks of them, and that they leave the server what it
// needs.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <sstream>

#include "harness/child.h"
#include "harness/command.h"
#include "harness/scgi_request.h"
#include "harness/server.h"

namespace harness {
namespace {

using testing::HasSubstr;

// In tenths: what the units come to today, and a little.
constexpr int kExposureMax = 33;

class ServiceUnit : public testing::Test {
 protected:
  ExitStatus analyze(std::vector<std::string> words) {
    words.insert(words.begin(), systemd_analyze_binary());
    Child child;
    // A terminal's colours and pager are not wanted, and it shall not ask a systemd that may run here.
    child.start(
        {.command = words, .environment = {"SYSTEMD_PAGER=", "SYSTEMD_COLORS=0"}, .output = folder_ / "output"});
    return child.wait(seconds(30));
  }
  std::string output() const { return read_file(folder_ / "output"); }

  // The values of a key of the unit, which may stand there more than once.
  static std::vector<std::string> values_of(const std::string& key) {
    std::vector<std::string> values;
    std::istringstream lines(read_file(source_file("conf/forklift.service")));
    for (std::string line; std::getline(lines, line);) {
      if (!line.starts_with(key + "=")) continue;
      std::istringstream words(line.substr(key.size() + 1));
      for (std::string word; words >> word;) values.push_back(word);
    }
    return values;
  }

  // The words that run a command with no more than the unit leaves it; as an ordinary user, who has less.
  static std::vector<std::string> with_its_capabilities() {
    std::string kept = "-all";
    for (std::string capability : values_of("CapabilityBoundingSet")) {
      EXPECT_TRUE(capability.starts_with("CAP_")) << capability;
      std::transform(capability.begin(), capability.end(), capability.begin(), ::tolower);
      kept += ",+" + capability.substr(4);
    }
    if (geteuid() != 0) return {"/usr/bin/setpriv", "--no-new-privs", "--"};
    return {"/usr/bin/setpriv", "--no-new-privs", "--bounding-set", kept, "--"};
  }

  TempDir folder_;
};

TEST_F(ServiceUnit, IsRightForSystemd) {
  std::string service = read_file(source_file("conf/forklift.service"));
  const std::string installed = "/usr/sbin/forklift ";
  for (const char* key : {"ExecStart=", "ExecReload="}) {
    const auto at = service.find(key + installed);
    ASSERT_NE(at, service.npos) << key;
    service.replace(at, std::string(key + installed).size(), key + server_binary() + " ");
  }
  write_file(folder_ / "forklift.service", service);
  write_file(folder_ / "forklift.socket", read_file(source_file("conf/forklift.socket")));
  EXPECT_EQ(analyze({"verify", folder_ / "forklift.service", folder_ / "forklift.socket"}), ExitStatus::exited(0));
  // Also what it only warns of: an unknown key is ignored by systemd, and so would not do what it is there for.
  EXPECT_THAT(output(), testing::Not(HasSubstr("forklift."))) << output();
}

TEST_F(ServiceUnit, IsHardened) {
  EXPECT_EQ(analyze({"security", "--offline=true", fmt::format("--threshold={}", kExposureMax),
                     source_file("conf/forklift.service")}),
            ExitStatus::exited(0))
      << output();
}

// As root: under the unit's capabilities, with all that takes one.
TEST_F(ServiceUnit, LeavesTheCapabilitiesThatTheServerNeeds) {
  const bool is_root = geteuid() == 0;
  const uid_t user = is_root ? 54321 : geteuid();
  const gid_t group = is_root ? 54322 : getegid();
  Server server({{.name = "app",
                  .plugin = fixture_file("tells_its_confinement"),
                  .listen = {fmt::format("{{address: unix:app.sock, owner: {}, group: {}}}", user, group)},
                  .more = fmt::format("user: {}\ngroup: {}\nrlimits: {{nofile: 100}}\n", user, group)}});
  server.run_with(with_its_capabilities());
  server.start();
  const Response response = fetch(server.listener("app"), ScgiRequest::get("/"));
  ASSERT_TRUE(response.complete(200)) << response;
  EXPECT_THAT(response.body, HasSubstr(fmt::format("uid {0} {0} {0}\n", user)));
  EXPECT_EQ(server.stop(), ExitStatus::exited(0));
}

// Also of a socket that is another user's.
TEST_F(ServiceUnit, LetsAReloadChangeTheModeOfASocket) {
  const uid_t owner = geteuid() == 0 ? 54321 : geteuid();
  const auto with_mode = [&](const char* mode) {
    return App{.name = "app",
               .plugin = plugin_file("hello"),
               .listen = {fmt::format("{{address: unix:app.sock, owner: {}, mode: \"{}\"}}", owner, mode)},
               .more = fmt::format("user: {}\ngroup: {}\n", owner, getegid())};
  };
  Server server({with_mode("0660")});
  server.run_with(with_its_capabilities());
  server.start();
  server.configure({with_mode("0600")});
  Command reload("reload", server);
  EXPECT_EQ(reload.wait(), kGood) << reload.output();
  EXPECT_THAT(reload.output(), testing::Not(HasSubstr("note")));
  struct stat status {};
  ASSERT_EQ(stat((server.folder() / "app.sock").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600U);
  EXPECT_EQ(status.st_uid, owner);
  EXPECT_TRUE(fetch(server.listener("app"), ScgiRequest::get("/")).complete(200));
}

}  // namespace
}  // namespace harness
