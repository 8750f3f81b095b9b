#include "master/runtime_dir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "folder.h"

namespace forklift::master {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

class RuntimeDirTest : public testing::Test {
 protected:
  std::string error(const std::string& path) {
    const auto made = RuntimeDir::make(path);
    return made ? "made" : made.error().message();
  }

  Folder folder_;
  const std::string path_ = folder_ / "run";
};

TEST_F(RuntimeDirTest, is_made_for_this_user_alone_and_removed_again) {
  const mode_t before = ::umask(0);
  {
    const auto made = RuntimeDir::make(path_);
    ::umask(before);
    ASSERT_TRUE(made) << made.error().message();
    EXPECT_EQ(made->path(), path_);
    EXPECT_EQ(mode_of(path_), 0700U);
  }
  EXPECT_FALSE(fs::exists(path_));
}

TEST_F(RuntimeDirTest, folders_on_the_way_are_made_and_go_as_far_as_they_are_empty) {
  {
    ASSERT_TRUE(RuntimeDir::make(folder_ / "a/b/run"));
    ASSERT_FALSE(fs::exists(folder_ / "a"));
    auto made = RuntimeDir::make(folder_ / "a/b/run");
    ASSERT_TRUE(made);
    EXPECT_EQ(mode_of(folder_ / "a"), 0755U);
    EXPECT_EQ(mode_of(folder_ / "a/b"), 0755U);
    std::ofstream(folder_ / "a/kept") << "x";
  }
  EXPECT_FALSE(fs::exists(folder_ / "a/b"));
  EXPECT_TRUE(fs::exists(folder_ / "a/kept"));
}

TEST_F(RuntimeDirTest, a_folder_on_the_way_that_others_could_replace_is_refused) {
  fs::create_directory(folder_ / "open");
  fs::permissions(folder_ / "open", fs::perms(0777));
  auto made = RuntimeDir::make(folder_ / "open/run");
  ASSERT_FALSE(made);
  EXPECT_THAT(made.error().message(), testing::HasSubstr("others may write to"));
  fs::permissions(folder_ / "open", fs::perms(01777));
  EXPECT_TRUE(RuntimeDir::make(folder_ / "open/run/")) << "nobody can replace what is in a sticky folder";
}

TEST_F(RuntimeDirTest, one_that_is_there_is_used_and_what_is_in_it_stays) {
  fs::create_directory(path_);
  fs::permissions(path_, fs::perms(0755));
  std::ofstream(path_ + "/kept") << "x";
  { EXPECT_TRUE(RuntimeDir::make(path_)); }
  EXPECT_TRUE(fs::exists(path_ + "/kept"));
}

TEST_F(RuntimeDirTest, is_removed_once_although_it_was_moved) {
  auto made = RuntimeDir::make(path_);
  ASSERT_TRUE(made);
  {
    const RuntimeDir moved(std::move(*made));
    EXPECT_EQ(moved.path(), path_);
  }
  fs::create_directory(path_);
  made = tl::make_unexpected(Error("gone"));
  EXPECT_TRUE(fs::exists(path_)) << "what it was moved from owns nothing";
}

TEST_F(RuntimeDirTest, others_may_not_write_to_it) {
  fs::create_directory(path_);
  for (const unsigned mode : {0770U, 0702U, 01777U}) {
    ASSERT_EQ(::chmod(path_.c_str(), mode), 0);
    EXPECT_THAT(error(path_), AllOf(HasSubstr("runtime_dir: others may write to " + path_), HasSubstr("0700")));
  }
}

TEST_F(RuntimeDirTest, it_belongs_to_this_user) {
  std::string foreign = "/usr";
  if (::geteuid() == 0) {
    foreign = path_;
    fs::create_directory(foreign);
    ASSERT_EQ(::chown(foreign.c_str(), 65534, 65534), 0);
  }
  EXPECT_THAT(error(foreign),
              AllOf(HasSubstr("runtime_dir: " + foreign + " belongs to user "), HasSubstr("name another")));
}

TEST_F(RuntimeDirTest, it_is_a_folder_and_no_link_to_one) {
  std::ofstream(path_) << "x";
  EXPECT_THAT(error(path_), HasSubstr("is no folder"));
  fs::remove(path_);
  fs::create_directory(folder_ / "elsewhere");
  fs::create_directory_symlink(folder_ / "elsewhere", path_);
  EXPECT_THAT(error(path_), HasSubstr("is no folder"));
}

TEST_F(RuntimeDirTest, a_file_on_the_way_is_named) {
  std::ofstream(path_) << "x";
  EXPECT_THAT(error(path_ + "/deeper"), AllOf(HasSubstr("runtime_dir: mkdir " + path_), HasSubstr("Not a directory")));
}

}  // namespace
}  // namespace forklift::master
