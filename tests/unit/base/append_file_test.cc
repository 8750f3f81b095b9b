#include "base/append_file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "forked.h"

namespace forklift {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

// A folder of our own below /tmp, which everybody may write to and which is sticky. What root is refused, another user
// is not.
class AppendFile : public testing::Test {
 protected:
  AppendFile() {
    char name[] = "/tmp/append_file_XXXXXX";
    folder_ = ::mkdtemp(name);
    fs::create_directories(folder_ / "app/log");
    for (const fs::path& path : {folder_, folder_ / "app", folder_ / "app/log"}) mode(path, 0755);
  }
  ~AppendFile() override { fs::remove_all(folder_); }

  fs::path log() const { return folder_ / "app/log/access.log"; }
  static void mode(const fs::path& path, mode_t mode) { ASSERT_EQ(::chmod(path.c_str(), mode), 0); }
  static void give_away(const fs::path& path) {
    EXPECT_TRUE(::geteuid() != 0 || ::lchown(path.c_str(), kNobody, kNobody) == 0);
  }
  // What opening says, and looking before.
  static std::string said_of(const fs::path& path) {
    const auto checked = check_append_path(path);
    const auto opened = open_append_file(path);
    const std::string said = opened ? "opened" : opened.error().message();
    EXPECT_TRUE(checked || checked.error().message() == said) << checked.error().message();
    return said;
  }
  static void expect_refused(const fs::path& path, const testing::Matcher<std::string>& why) {
    if (::geteuid() == 0) {
      EXPECT_THAT(said_of(path), AllOf(why, HasSubstr("; a server that runs as root writes a log only where nobody ")));
    } else {
      EXPECT_EQ(said_of(path), "opened");
    }
  }

  fs::path folder_;
};

TEST_F(AppendFile, is_made_where_only_its_user_decides) {
  EXPECT_EQ(said_of(log()), "opened");
  struct stat status {};
  ASSERT_EQ(::stat(log().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U & ~0640U, 0U);
  give_away(log());  // as logrotate's create does
  EXPECT_EQ(said_of(log()), "opened");
}

TEST_F(AppendFile, is_what_a_link_says_and_what_is_open_already) {
  fs::create_symlink("../log/access.log", folder_ / "app/log/link");
  fs::create_symlink(folder_ / "app/log/link", folder_ / "absolute");
  EXPECT_EQ(said_of(folder_ / "absolute"), "opened");
  EXPECT_TRUE(fs::exists(log()));
  EXPECT_EQ(said_of("/dev/null"), "opened");
  const UniqueFd file(::open((folder_ / "other").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  mode(folder_ / "other", 0600);
  give_away(folder_);  // it is open: nobody can put anything else there
  EXPECT_EQ(said_of(fmt::format("/proc/self/fd/{}", file.get())), "opened");
  const std::string error_output = said_of("/dev/stderr");
  EXPECT_THAT(error_output, testing::AnyOf("opened", StartsWith("open /dev/stderr"))) << "a socket cannot be opened";
}

TEST_F(AppendFile, may_be_a_fifo_that_somebody_reads) {
  ASSERT_EQ(::mkfifo(log().c_str(), 0600), 0);
  EXPECT_THAT(said_of(log()), HasSubstr("(if it is a FIFO, start its reader first): "));
  const UniqueFd reader(::open(log().c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  EXPECT_EQ(said_of(log()), "opened");
}

TEST_F(AppendFile, is_refused_to_root_in_a_folder_of_another_user) {
  give_away(folder_ / "app");
  const std::string app = folder_ / "app";
  expect_refused(log(), AllOf(StartsWith("the folder " + app + " is user 65534's, who could put a link "),
                              HasSubstr(": chown root " + app + ", or write a path ")));
}

TEST_F(AppendFile, is_refused_to_root_in_a_folder_that_everybody_may_write_to) {
  const std::string folder = folder_ / "app/log";
  mode(folder, 0757);
  expect_refused(log(), AllOf(StartsWith("everybody may write to the folder " + folder + ", and could put a link "),
                              HasSubstr(": chmod o-w " + folder + ", or write a path ")));
}

TEST_F(AppendFile, is_refused_to_root_behind_a_link_through_such_a_folder) {
  fs::create_directory(folder_ / "theirs");
  fs::create_symlink(folder_ / "theirs/log", folder_ / "app/log/link");
  give_away(folder_ / "theirs");
  expect_refused(folder_ / "app/log/link", StartsWith("the folder " + (folder_ / "theirs").string() + " is user "));
}

// What others may add to, and nobody but its owner may change.
class AppendFileInASharedFolder : public AppendFile, public testing::WithParamInterface<mode_t> {};

INSTANTIATE_TEST_SUITE_P(Of, AppendFileInASharedFolder, testing::Values(01777, 0775, 0770));

TEST_P(AppendFileInASharedFolder, is_roots_own) {
  mode(folder_ / "app/log", GetParam());
  EXPECT_EQ(said_of(log()), "opened");
  EXPECT_EQ(said_of(log()), "opened");
  fs::create_hard_link(log(), folder_ / "app/other");
  expect_refused(log(), StartsWith(log().string() + " has another name, too, in a folder to which others may write"));
  fs::remove(log());
  fs::create_symlink(folder_ / "app/other", log());
  EXPECT_EQ(said_of(log()), "opened");
  give_away(log());
  expect_refused(log(), AllOf(StartsWith(log().string() + " is user 65534's, in a folder to which others may write"),
                              HasSubstr(": remove it, or write a path ")));
}

TEST_F(AppendFile, that_cannot_be_had_is_told_as_open_tells_it) {
  const auto told = [](const fs::path& path) { return open_append_file(path).error().message(); };
  EXPECT_EQ(told(folder_ / "no/log"), fmt::format("open {}/no/log: No such file or directory", folder_.string()));
  EXPECT_EQ(told(folder_ / "app"), fmt::format("open {}/app: Is a directory", folder_.string()));
  std::ofstream(folder_ / "file") << "text";
  EXPECT_EQ(told(folder_ / "file/log"), fmt::format("open {}/file/log: Not a directory", folder_.string()));
  fs::create_symlink("loop", folder_ / "loop");
  EXPECT_EQ(told(folder_ / "loop"), fmt::format("open {}/loop: Too many levels of symbolic links", folder_.string()));
}

}  // namespace
}  // namespace forklift
