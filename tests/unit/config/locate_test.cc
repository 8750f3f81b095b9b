// Where the commands look for the socket of a server, whatever its file looks like just then.
#include "config/locate.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "config/paths.h"
#include "folder.h"
#include "reading.h"

namespace forklift::config {
namespace {

class Locate : public testing::Test {
 protected:
  std::string locate(const std::string& text) const { return locate_control(folder_.write("app.yaml", text)); }
  std::string in_default_folder() const {
    return default_control(default_runtime_dir(file_, ::geteuid(), std::getenv("XDG_RUNTIME_DIR")));
  }

  const Folder folder_;
  const std::string file_ = folder_ / "app.yaml";
};

TEST_F(Locate, finds_what_the_server_has_read) {
  for (const std::string yaml : {"", "runtime_dir: run\n", "runtime_dir: /run/shop\n", "control: sockets/control\n",
                                 "runtime_dir: run\ncontrol: ../control  # a comment\n", "'control': \"/run/x\"\n"}) {
    const std::string path = folder_.write("app.yaml", yaml + app_with("settings: {}"));
    const auto config = read_file(path);
    ASSERT_TRUE(config) << yaml;
    EXPECT_EQ(locate_control(path), config->control) << yaml;
  }
  EXPECT_EQ(locate("{apps: [], runtime_dir: run}"), folder_ / "run/control");
}

TEST_F(Locate, does_not_mind_what_else_is_wrong) {
  EXPECT_EQ(locate("runtime_dir: run\nappps: 7\n"), folder_ / "run/control");
  EXPECT_EQ(locate("runtime_dir: run\napps: [\n"), folder_ / "run/control");
  EXPECT_EQ(locate("apps:\n\t- x\ncontrol: 'my control' # here\r\n\"\n"), folder_ / "my control");
  EXPECT_EQ(locate("apps: [\ncontrol: [7]\nruntime_dir:\n"), in_default_folder());
  EXPECT_EQ(locate("apps: [\n  control: /run/x\ncontroller: /run/y\n"), in_default_folder());
}

TEST_F(Locate, knows_the_default_where_the_file_says_nothing_or_is_not_there) {
  EXPECT_EQ(locate(""), in_default_folder());
  EXPECT_EQ(locate("control: {}\nruntime_dir: []\n"), in_default_folder());
  std::filesystem::remove(file_);
  EXPECT_EQ(locate_control(file_), in_default_folder());
  std::filesystem::create_directory(file_);
  EXPECT_EQ(locate_control(file_), in_default_folder());
}

TEST_F(Locate, follows_the_link_by_which_the_server_was_started) {
  std::filesystem::create_directory(folder_ / "real");
  folder_.write("real/app.yaml", "runtime_dir: run\n");
  std::filesystem::create_symlink(folder_ / "real/app.yaml", file_);
  EXPECT_EQ(locate_control(file_), folder_ / "real/run/control");
}

}  // namespace
}  // namespace forklift::config
