#include "base/code_path.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace forklift {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

// A folder of our own below /tmp, which everybody may write to and which is sticky.
class CodePath : public testing::Test {
 protected:
  CodePath() {
    char name[] = "/tmp/code_path_XXXXXX";
    folder_ = ::mkdtemp(name);
    fs::create_directories(folder_ / "a/b");
    std::ofstream(plugin()) << "plugin";
    for (const fs::path& path : {folder_, folder_ / "a", folder_ / "a/b", plugin()}) mode(path, 0755);
  }
  ~CodePath() override { fs::remove_all(folder_); }

  fs::path plugin() const { return folder_ / "a/b/plugin.so"; }
  static void mode(const fs::path& path, mode_t mode) { ASSERT_EQ(::chmod(path.c_str(), mode), 0); }
  static std::string said_of(const fs::path& path) {
    const auto safe = check_code_path(path);
    return safe ? "safe" : safe.error().message();
  }

  fs::path folder_;
};

TEST_F(CodePath, is_safe_where_only_owners_may_write) {
  EXPECT_EQ(said_of(plugin()), "safe");
  mode(folder_ / "a", 01777);  // sticky
  EXPECT_EQ(said_of(plugin()), "safe");
}

TEST_F(CodePath, is_not_where_others_may_write_to_the_file) {
  mode(plugin(), 0757);
  EXPECT_THAT(said_of(plugin()), HasSubstr("everybody may write to " + plugin().string()));
  EXPECT_THAT(said_of(plugin()), HasSubstr("chmod go-w " + plugin().string()));
  mode(plugin(), 0775);
  EXPECT_THAT(said_of(plugin()), HasSubstr("its group may write to " + plugin().string()));
}

TEST_F(CodePath, is_not_where_others_may_write_to_a_folder_above) {
  mode(folder_ / "a", 0777);
  EXPECT_THAT(said_of(plugin()), HasSubstr("everybody may write to the folder " + (folder_ / "a").string() + " "));
}

TEST_F(CodePath, is_followed_through_links_and_the_folders_that_they_stand_in) {
  fs::create_directory(folder_ / "links");
  fs::create_symlink("../a/b/plugin.so", folder_ / "links/relative");
  fs::create_symlink(folder_ / "links/relative", folder_ / "absolute");
  mode(folder_ / "links", 0755);
  EXPECT_EQ(said_of(folder_ / "absolute"), "safe");
  mode(folder_ / "links", 0777);
  EXPECT_THAT(said_of(folder_ / "absolute"), HasSubstr("the folder " + (folder_ / "links").string()));
  mode(folder_ / "links", 0755);
  mode(folder_ / "a/b", 0777);
  EXPECT_THAT(said_of(folder_ / "absolute"), HasSubstr("the folder " + (folder_ / "a/b").string()));
}

TEST_F(CodePath, that_leads_nowhere_is_not_judged) {
  EXPECT_EQ(said_of(folder_ / "missing/plugin.so"), "safe");
  fs::create_symlink("loop", folder_ / "loop");
  EXPECT_EQ(said_of(folder_ / "loop"), "safe");
  fs::create_symlink("gone", folder_ / "dangling");
  EXPECT_EQ(said_of(folder_ / "dangling"), "safe");
}

}  // namespace
}  // namespace forklift
