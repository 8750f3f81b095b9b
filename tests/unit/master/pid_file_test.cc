#include "master/pid_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "../base/forked.h"
#include "folder.h"

namespace forklift::master {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

std::string text_of(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

class PidFileTest : public testing::Test {
 protected:
  std::string error() {
    const auto written = PidFile::write(path_, "holds " + path_);
    return written ? "written" : written.error().message();
  }

  Folder folder_;
  const std::string path_ = folder_ / "pid";
  const std::string own_ = std::to_string(::getpid()) + "\n";
};

TEST_F(PidFileTest, holds_this_process_and_is_removed_with_it) {
  {
    const auto written = PidFile::write(path_, "holds it");
    ASSERT_TRUE(written) << written.error().message();
    EXPECT_EQ(text_of(path_), own_);
  }
  EXPECT_FALSE(fs::exists(path_));
}

TEST_F(PidFileTest, what_a_killed_server_left_behind_is_overwritten) {
  for (const std::string left : {"", "1", "1\n", "123456\n", "99999999999999999999"}) {
    std::ofstream(path_) << left;
    const auto written = PidFile::write(path_, "holds it");
    ASSERT_TRUE(written) << written.error().message();
    EXPECT_EQ(text_of(path_), own_);
  }
}

TEST_F(PidFileTest, a_file_of_somebody_elses_is_refused_and_stays_as_it_is) {
  for (const std::string& left : {std::string("precious\n"), std::string("-1"), std::string(100, '1')}) {
    std::ofstream(path_) << left;
    EXPECT_THAT(error(), HasSubstr("holds something else than a pid; write another path, or remove that file"));
    EXPECT_EQ(text_of(path_), left);
  }
}

TEST_F(PidFileTest, one_that_is_held_names_its_holder_and_stays_as_it_is) {
  const auto written = PidFile::write(path_, "holds it");
  ASSERT_TRUE(written);
  EXPECT_EQ(error(), fmt::format("another server (pid {}) holds {}", ::getpid(), path_));
  std::ofstream(path_) << "";
  EXPECT_EQ(error(), "another server holds " + path_);
}

TEST_F(PidFileTest, a_holder_that_dies_lets_go) {
  in_child([&]() -> std::string {
    auto written = PidFile::write(path_, "holds it");
    if (!written) return written.error().message();
    ::_exit(0);  // without a destructor, as by SIGKILL
  });
  EXPECT_TRUE(fs::exists(path_));
  EXPECT_EQ(error(), "written");
}

TEST_F(PidFileTest, a_file_that_is_not_ours_any_more_stays) {
  {
    const auto written = PidFile::write(path_, "holds it");
    ASSERT_TRUE(written);
    fs::rename(path_, folder_ / "moved");
    std::ofstream(path_) << "another's";
  }
  EXPECT_EQ(text_of(path_), "another's");
}

TEST_F(PidFileTest, links_and_what_is_no_file_are_refused) {
  std::ofstream(folder_ / "precious") << "precious";
  fs::create_symlink(folder_ / "precious", path_);
  EXPECT_EQ(error(), path_ + " is a symbolic link; remove it");
  EXPECT_EQ(text_of(folder_ / "precious"), "precious");
  fs::remove(path_);
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  EXPECT_EQ(error(), path_ + " is no file; remove it");
  fs::remove(path_);
  fs::create_directory(path_);
  EXPECT_THAT(error(), HasSubstr("open " + path_ + ": Is a directory"));
  EXPECT_TRUE(fs::exists(path_));
}

TEST_F(PidFileTest, a_folder_that_is_missing_is_told) {
  const auto written = PidFile::write(folder_ / "no/pid", "holds it");
  ASSERT_FALSE(written);
  EXPECT_THAT(written.error().message(), HasSubstr("no/pid: No such file or directory"));
}

}  // namespace
}  // namespace forklift::master
