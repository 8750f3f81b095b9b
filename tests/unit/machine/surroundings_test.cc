#include "machine/surroundings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "base/unique_fd.h"

namespace forklift::machine {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

// A configuration that writes into a folder of our own.
class Surroundings : public testing::Test {
 protected:
  Surroundings() {
    std::string name = fs::temp_directory_path() / "forklift-surroundings-XXXXXX";
    folder_ = fs::canonical(::mkdtemp(name.data()));
    fs::create_directory(folder_ / "folder");
    std::ofstream(folder_ / "text") << "somebody's letters\n";
    std::ofstream(folder_ / "number") << "123\n";
    fs::create_symlink(folder_ / "number", folder_ / "link");
    config_.file = folder_ / "app.yaml";
    config_.runtime_dir = folder_ / "run";
    config_.control = folder_ / "run/control";
    config_.apps.emplace_back().name = "a";
  }
  ~Surroundings() override { fs::remove_all(folder_); }

  std::string said() const {
    std::string text;
    for (const config::Finding& finding : check_surroundings(config_)) text += finding.message + "\n";
    return text.empty() ? "fine" : text;
  }
  void listen_on(config::Address::Family family, const std::string& where, std::uint16_t port = 0) {
    config::Listen listen;
    listen.address.family = family;
    (family == config::Address::Family::kUnix ? listen.address.path : listen.address.host) = where;
    listen.address.port = port;
    config_.apps[0].listen = {listen};
  }

  fs::path folder_;
  config::Config config_;
};

using Family = config::Address::Family;

TEST_F(Surroundings, AreFineWhereAllCanBeMadeOrIsOurs) {
  config_.log.file = folder_ / "log";
  config_.apps[0].access_log.file = folder_ / "text";  // one that is there is appended to
  config_.pid_file = folder_ / "number";
  listen_on(Family::kUnix, folder_ / "socket");
  EXPECT_EQ(said(), "fine");
  EXPECT_FALSE(fs::exists(folder_ / "run"));
  EXPECT_FALSE(fs::exists(folder_ / "log"));
}

TEST_F(Surroundings, AreNotWhereALogWouldBeWrittenToAFolder) {
  config_.log.file = folder_ / "folder";
  config_.apps[0].access_log.file = folder_ / "folder";
  const std::string folder = (folder_ / "folder").string();
  EXPECT_THAT(said(), AllOf(StartsWith("log.file: " + folder + " is a folder"),
                            HasSubstr("access_log.file: " + folder + " is a folder")));
}

TEST_F(Surroundings, AreNotWhereAPidFileWouldCostSomebodyTheirFile) {
  config_.pid_file = folder_ / "text";
  EXPECT_THAT(said(), HasSubstr("pid_file: " + config_.pid_file + " holds something else than a pid"));
  config_.pid_file = folder_ / "link";
  EXPECT_THAT(said(), HasSubstr("pid_file: " + config_.pid_file + " is a symbolic link"));
  config_.pid_file = folder_ / "folder";
  EXPECT_THAT(said(), HasSubstr("pid_file: " + config_.pid_file + " is no file"));
}

TEST_F(Surroundings, AreNotWhereSomethingElseStandsAtASocketsPath) {
  listen_on(Family::kUnix, folder_ / "text");
  config_.control = folder_ / "number";
  EXPECT_THAT(said(), AllOf(HasSubstr("listen: " + (folder_ / "text").string() + " is there and is no socket"),
                            HasSubstr("control: " + (folder_ / "number").string() + " is there and is no socket")));
}

TEST_F(Surroundings, AreFineWhereAServerListensAlready) {
  const UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = folder_ / "s";
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(fd.get(), 1), 0);
  listen_on(Family::kUnix, path);
  EXPECT_EQ(said(), "fine");
}

TEST_F(Surroundings, AreNotWhereTheRuntimeDirIsNotSafe) {
  config_.runtime_dir = folder_ / "folder";
  config_.control = folder_ / "folder/control";
  EXPECT_EQ(said(), "fine");
  ASSERT_EQ(::chmod(config_.runtime_dir.c_str(), 0777), 0);
  EXPECT_THAT(said(), HasSubstr("runtime_dir: others may write to " + config_.runtime_dir));
  config_.runtime_dir = folder_ / "folder/below/it";
  config_.control = folder_ / "folder/below/it/control";
  EXPECT_THAT(said(), HasSubstr("runtime_dir: others may write to " + (folder_ / "folder").string()));
  config_.runtime_dir = folder_ / "text";
  config_.control = folder_ / "text/control";
  EXPECT_THAT(said(), HasSubstr("runtime_dir: " + config_.runtime_dir + " is no folder"));
}

TEST_F(Surroundings, AreNotWhereALinkLeadsTheRuntimeDirBelowAFolderOfEverybody) {
  fs::create_directories(folder_ / "folder/ours");
  fs::create_symlink(folder_ / "folder/ours", folder_ / "way");
  config_.runtime_dir = folder_ / "way/run";
  config_.control = folder_ / "way/run/control";
  EXPECT_EQ(said(), "fine");
  ASSERT_EQ(::chmod((folder_ / "folder").c_str(), 0777), 0);
  EXPECT_THAT(said(), HasSubstr("runtime_dir: others may write to " + (folder_ / "folder").string() + ","));
  if (::geteuid() == 0) {
    ASSERT_EQ(::lchown((folder_ / "way").c_str(), 65534, 65534), 0);
    EXPECT_THAT(said(), HasSubstr("runtime_dir: " + (folder_ / "way").string() + " is a link of user 65534"));
  }
}

// An IPv4 address in the clothes of IPv6: sockets of ours are of one family.
TEST_F(Surroundings, AreNotWhereTheMachineDoesNotHaveAHost) {
  listen_on(Family::kTcp4, "127.0.0.1", 1);
  EXPECT_EQ(said(), "fine");
  listen_on(Family::kTcp6, "::ffff:127.0.0.1", 4000);
  EXPECT_THAT(said(), HasSubstr("listen: this machine cannot listen on ::ffff:127.0.0.1"));
}

}  // namespace
}  // namespace forklift::machine
