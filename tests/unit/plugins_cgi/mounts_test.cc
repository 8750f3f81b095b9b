#include "mounts.h"

#include <gmock/gmock.h>

#include "folder.h"
#include "refusal.h"

namespace cgi {
namespace {

class MountsTest : public testing::Test {
 protected:
  MountsTest() {
    folder_.add("bin/hello", "");
    folder_.add("bin/deep/er/hello.php", "", 0644);
    folder_.add("bin/data", "", 0644);
    folder_.add("bin/unreadable.php", "", 0);
    folder_.add("elsewhere/program", "");
    folder_.link("bin/out", folder_ / "elsewhere/program");
    folder_.link("bin/out_folder", "../elsewhere");
    folder_.link("bin/in", "hello");
    folder_.link("bin/in_absolute", folder_ / "bin/deep");
    folder_.link("bin/nowhere", "nothing");
    folder_.link("bin/loop", "loop");
    folder_.link("bin/self", ".");
    folder_.link("also_bin", "bin");
    ::mkfifo((folder_ / "bin/pipe").c_str(), 0755);
    settings_.mounts = {{.at = "/cgi-bin/deep", .program = folder_ / "elsewhere/program", .root = "", .follow = false},
                        {.at = "/cgi-bin", .program = "", .root = folder_ / "bin", .follow = false},
                        {.at = "/link", .program = "", .root = folder_ / "also_bin", .follow = false},
                        {.at = "/git", .program = folder_ / "elsewhere/program", .root = "", .follow = false}};
    settings_.interpreters = {{".php", "/usr/bin/php-cgi"}};
  }

  Target find(const std::string& path, const std::string& base = "") {
    return find_program(settings_,
                        {.method = "GET", .uri = "", .query = "", .base = base, .path = path, .from = "PATH_INFO"});
  }
  std::string reason(const std::string& path) {
    try {
      find(path);
    } catch (const Refusal& refusal) {
      return refusal.what();
    }
    return "none";
  }
  int refusal(const std::string& path) {
    try {
      find(path);
    } catch (const Refusal& refusal) {
      return refusal.status();
    }
    return 0;
  }

  Folder folder_;
  Settings settings_;
};

TEST_F(MountsTest, AProgramTakesAllPathsBelowItsMount) {
  Target target = find("/git/repo.git/info/refs");
  EXPECT_EQ(target.file, folder_ / "elsewhere/program");
  EXPECT_EQ(target.script_name, "/git");
  EXPECT_EQ(target.path_info, "/repo.git/info/refs");
  EXPECT_EQ(find("/git").path_info, "");
  EXPECT_EQ(find("/git/").path_info, "/");
  EXPECT_EQ(find("/git/x", "/smart").script_name, "/smart/git");
  EXPECT_EQ(refusal("/gitter"), 404);
}

TEST_F(MountsTest, TheLongestMountWinsAndSlashTakesEveryPath) {
  EXPECT_EQ(find("/cgi-bin/deep/x").script_name, "/cgi-bin/deep");
  EXPECT_EQ(refusal("/"), 404);
  EXPECT_EQ(refusal(""), 404);
  settings_.mounts.push_back({.at = "/", .program = folder_ / "elsewhere/program", .root = "", .follow = false});
  EXPECT_EQ(find("/gitter").script_name, "");
  EXPECT_EQ(find("/gitter").path_info, "/gitter");
  EXPECT_EQ(find("", "/smart").script_name, "/smart");
  EXPECT_EQ(find("/git/x").script_name, "/git");
}

TEST_F(MountsTest, AFolderIsWalkedDownToAFile) {
  Target target = find("/cgi-bin/hello/more/of it");
  EXPECT_EQ(target.file, folder_ / "bin/hello");
  EXPECT_EQ(target.script_name, "/cgi-bin/hello");
  EXPECT_EQ(target.path_info, "/more/of it");
  EXPECT_EQ(target.interpreter, "");
  EXPECT_EQ(find("/cgi-bin//hello").script_name, "/cgi-bin//hello");
  EXPECT_EQ(find("/cgi-bin/hello/").path_info, "/");
}

TEST_F(MountsTest, AnInterpreterNeedsTheFileReadableOnly) {
  settings_.mounts.erase(settings_.mounts.begin());
  const Target target = find("/cgi-bin/deep/er/hello.php/x");
  EXPECT_EQ(target.interpreter, "/usr/bin/php-cgi");
  EXPECT_EQ(target.script_name, "/cgi-bin/deep/er/hello.php");
  EXPECT_EQ(target.path_info, "/x");
  if (::geteuid() != 0) {
    EXPECT_EQ(refusal("/cgi-bin/unreadable.php"), 403);
  }
}

TEST_F(MountsTest, WhatIsNotThereIs404AndWhatMayNotBeRunIs403) {
  EXPECT_EQ(refusal("/cgi-bin/missing"), 404);
  EXPECT_EQ(refusal("/cgi-bin/./hello"), 404);
  EXPECT_EQ(refusal("/cgi-bin/" + std::string(5000, 'x')), 404);
  EXPECT_EQ(refusal("/cgi-bin/nowhere"), 404);
  EXPECT_EQ(refusal("/cgi-bin/loop"), 404);
  EXPECT_THAT(reason("/cgi-bin/nowhere"), testing::EndsWith(": No such file or directory"));
  EXPECT_THAT(reason("/cgi-bin/loop"), testing::EndsWith(": Too many levels of symbolic links"));
  EXPECT_EQ(refusal("/cgi-bin/data"), 403);
  EXPECT_EQ(refusal("/cgi-bin/pipe"), 403);
  EXPECT_EQ(refusal("/cgi-bin"), 403);
  EXPECT_EQ(refusal("/cgi-bin/"), 403);
  ::unlink((folder_ / "elsewhere/program").c_str());
  EXPECT_EQ(refusal("/git/x"), 404);
}

TEST_F(MountsTest, LinksOutOfTheRootAreFollowedOnlyIfItIsSaid) {
  EXPECT_EQ(find("/cgi-bin/in").file, folder_ / "bin/in");
  EXPECT_EQ(find("/link/hello").file, folder_ / "also_bin/hello") << "the root may be one";
  EXPECT_EQ(find("/cgi-bin/in_absolute/er/hello.php").path_info, "");
  EXPECT_EQ(find("/cgi-bin/self/hello").file, folder_ / "bin/self/hello");
  EXPECT_EQ(refusal("/cgi-bin/out"), 403);
  EXPECT_EQ(refusal("/cgi-bin/out_folder/program"), 403);
  EXPECT_EQ(refusal("/cgi-bin/out_folder/missing"), 403) << "what is out there is not told";
  settings_.mounts[1].follow = true;
  EXPECT_EQ(find("/cgi-bin/out").file, folder_ / "bin/out");
  EXPECT_EQ(find("/cgi-bin/out_folder/program/x").path_info, "/x");
  EXPECT_EQ(refusal("/cgi-bin/out_folder/missing"), 404);
}

// A root that goes meanwhile. Here it was never there, and the walk begins at "/".
TEST_F(MountsTest, NoLinkIsFollowedWhereTheRootIsNotToBeFound) {
  settings_.mounts.push_back({.at = "/none", .program = "", .root = "", .follow = false});
  EXPECT_EQ(refusal("/none/proc/self/exe"), 404);
}

}  // namespace
}  // namespace cgi
