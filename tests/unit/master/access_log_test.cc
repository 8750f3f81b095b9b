#include "master/access_log.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "../base/forked.h"
#include "base/log.h"
#include "folder.h"

namespace forklift::master {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

// As long as many requests make it.
std::string numbered(int number) {
  return fmt::format("{:06} {}\n", number, std::string(92, '.'));
}

constexpr int kLineBytes = 100;
constexpr int kHeldLines = static_cast<int>(AccessFile::kHeldBytesMax / kLineBytes);

class AccessLogTest : public testing::Test {
 protected:
  AccessLogTest() {
    ::signal(SIGPIPE, SIG_IGN);  // as in the master
    log::redirect([this](log::Level, std::string_view line) { told_.emplace_back(line); });
  }
  ~AccessLogTest() override { log::redirect(nullptr); }

  std::shared_ptr<AccessFile> open(const std::string& name) {
    auto file = logs_.open(name.starts_with('/') ? name : folder_ / name);
    if (!file) throw std::runtime_error(file.error().message());
    return *file;
  }
  std::string text(const std::string& name) const {
    std::ifstream file(folder_ / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  static std::string drain(int fd) {
    std::string all;
    char buffer[8192];
    for (ssize_t n = 0; (n = ::read(fd, buffer, sizeof buffer)) > 0;) all.append(buffer, static_cast<std::size_t>(n));
    return all;
  }

  // Every line is one of numbered(), whole, and they ascend. Returns how many there are.
  static int count_whole(const std::string& text) {
    EXPECT_TRUE(text.empty() || text.ends_with('\n'));
    std::istringstream lines(text);
    int count = 0;
    int last = -1;
    for (std::string line; std::getline(lines, line); ++count) {
      const int number = std::stoi(line);
      EXPECT_EQ(line + "\n", numbered(number));
      EXPECT_GT(number, last);
      last = number;
    }
    return count;
  }

  Folder folder_;
  AccessLogs logs_;
  std::vector<std::string> told_;
};

TEST_F(AccessLogTest, lines_stand_in_the_file_after_the_turn) {
  const auto file = open("log");
  file->write("one\n");
  file->write("two\n");
  EXPECT_EQ(text("log"), "") << "one system call a turn";
  logs_.flush();
  EXPECT_EQ(text("log"), "one\ntwo\n");
  EXPECT_FALSE(logs_.wants_retry());
  EXPECT_THAT(told_, IsEmpty());
}

TEST_F(AccessLogTest, a_file_is_continued_and_not_for_everybody_to_read) {
  std::ofstream(folder_ / "log") << "before\n";
  open("log")->write("after\n");
  logs_.flush();
  EXPECT_EQ(text("log"), "before\nafter\n");

  const mode_t mask = ::umask(0);
  const auto file = open("new");
  ::umask(mask);
  struct stat status {};
  ASSERT_EQ(::stat((folder_ / "new").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0640U);
}

TEST_F(AccessLogTest, a_turn_with_much_to_say_does_not_wait_for_its_end) {
  const auto file = open("log");
  for (int i = 0; i < 10'000; ++i) file->write(numbered(i));
  EXPECT_GE(text("log").size(), 10'000 * kLineBytes - AccessFile::kFlushBytes);
  logs_.flush();
  EXPECT_EQ(count_whole(text("log")), 10'000);
}

TEST_F(AccessLogTest, apps_share_the_file_of_a_path) {
  const auto first = open("log");
  const auto second = open("log");
  EXPECT_EQ(first, second);
  first->write("1\n");
  second->write("2\n");
  logs_.flush();
  EXPECT_EQ(text("log"), "1\n2\n");
  EXPECT_NE(open("other"), first);
}

TEST_F(AccessLogTest, a_file_that_nobody_has_any_longer_is_closed_once_its_lines_are_written) {
  auto file = open("log");
  const std::weak_ptr<AccessFile> watched = file;
  file->write("last\n");
  file.reset();
  EXPECT_FALSE(watched.expired());
  logs_.flush();
  EXPECT_TRUE(watched.expired());
  EXPECT_EQ(text("log"), "last\n");
}

TEST_F(AccessLogTest, what_cannot_be_opened_is_an_error_with_the_path) {
  std::filesystem::create_directory(folder_ / "folder");
  for (const char* name : {"folder", "none/log"}) {
    const auto file = logs_.open(folder_ / name);
    ASSERT_FALSE(file);
    EXPECT_THAT(file.error().message(), AllOf(HasSubstr("access log: open "), HasSubstr(folder_ / name)));
  }
  ASSERT_EQ(::mkfifo((folder_ / "fifo").c_str(), 0600), 0);
  const auto fifo = logs_.open(folder_ / "fifo");
  ASSERT_FALSE(fifo);
  EXPECT_THAT(fifo.error().message(), HasSubstr("start its reader first"));
}

TEST_F(AccessLogTest, rotation_a_hundred_times_loses_and_tears_nothing) {
  const auto file = open("log");
  int number = 0;
  for (int i = 0; i < 100; ++i) {
    for (int line = 0; line < 50; ++line) file->write(numbered(number++));
    std::filesystem::rename(folder_ / "log", folder_ / ("log." + std::to_string(i)));
    for (int line = 0; line < 50; ++line) file->write(numbered(number++));
    logs_.reopen();
  }
  logs_.flush();
  int whole = count_whole(text("log"));
  for (int i = 0; i < 100; ++i) {
    const int lines = count_whole(text("log." + std::to_string(i)));
    EXPECT_EQ(lines, 100) << "what came before USR1 stands in the old file";
    whole += lines;
  }
  EXPECT_EQ(whole, number);
}

TEST_F(AccessLogTest, a_failed_reopen_keeps_the_old_file_and_says_so) {
  const auto file = open("log");
  std::filesystem::rename(folder_ / "log", folder_ / "log.1");
  std::filesystem::create_directory(folder_ / "log");
  const auto other = open("other");
  EXPECT_FALSE(logs_.reopen());
  ASSERT_THAT(told_, SizeIs(1));
  EXPECT_THAT(told_[0], AllOf(HasSubstr(folder_ / "log"), HasSubstr("Is a directory")));
  file->write("still here\n");
  logs_.flush();
  EXPECT_EQ(text("log.1"), "still here\n");
}

TEST_F(AccessLogTest, a_full_disk_keeps_a_bounded_amount_and_is_told_once) {
  std::filesystem::create_symlink("/dev/full", folder_ / "log");
  const auto file = open("log");
  for (int i = 0; i < kHeldLines + 500; ++i) {
    file->write(numbered(i));
    logs_.flush();
  }
  EXPECT_TRUE(logs_.wants_retry());
  ASSERT_FALSE(told_.empty());
  EXPECT_THAT(told_[0], AllOf(HasSubstr("access log " + folder_ / "log"), HasSubstr("No space left on device")));
  EXPECT_LE(told_.size(), 30U) << "at most one a second";

  told_.clear();
  std::filesystem::remove(folder_ / "log");
  logs_.reopen();  // the disk has room again
  file->write(numbered(999'999));
  logs_.flush();
  EXPECT_EQ(count_whole(text("log")), kHeldLines + 1);
  EXPECT_FALSE(logs_.wants_retry());
  told_.erase(std::remove_if(told_.begin(), told_.end(),
                             [](const std::string& line) { return line.find("No space") != line.npos; }),
              told_.end());
  EXPECT_THAT(told_, ElementsAre(AllOf(HasSubstr("500 lines of access log " + folder_ / "log"), HasSubstr("dropped"))));
}

// RLIMIT_FSIZE takes a part of a line, as a disk does that is just full.
TEST_F(AccessLogTest, a_line_that_was_half_written_is_completed_or_begun_anew_elsewhere) {
  for (const bool rotated : {false, true}) {
    const std::string name = rotated ? "rotated" : "same";
    const Forked child = in_child([&]() -> std::string {
      ::signal(SIGXFSZ, SIG_IGN);
      const auto file = open(name);
      for (int i = 0; i < 3; ++i) file->write(numbered(i));
      const rlimit little{150, RLIM_INFINITY};
      ::setrlimit(RLIMIT_FSIZE, &little);
      logs_.flush();
      if (std::filesystem::file_size(folder_ / name) != 150) return "not 150 bytes";
      if (rotated) {
        std::filesystem::rename(folder_ / name, folder_ / (name + ".1"));
        file->reopen();  // takes 150 bytes of the two lines, the first of them from its beginning
      } else {
        file->reopen();  // by the same name it is the same file
      }
      const rlimit all{RLIM_INFINITY, RLIM_INFINITY};
      ::setrlimit(RLIMIT_FSIZE, &all);
      logs_.flush();
      return logs_.wants_retry() ? "not all is written" : "done";
    });
    EXPECT_EQ(child.said, "done");
    EXPECT_EQ(text(name), rotated ? numbered(1) + numbered(2) : numbered(0) + numbered(1) + numbered(2));
  }
}

class AccessFifoTest : public AccessLogTest {
 protected:
  AccessFifoTest() {
    if (::mkfifo((folder_ / "fifo").c_str(), 0600) != 0) throw std::runtime_error("mkfifo");
    reader_ = new_reader();
    file_ = open("fifo");
  }
  UniqueFd new_reader() const {
    return UniqueFd(::open((folder_ / "fifo").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  }

  UniqueFd reader_;
  std::shared_ptr<AccessFile> file_;
};

TEST_F(AccessFifoTest, a_reader_that_sleeps_costs_no_wait_and_gets_all_that_was_held) {
  constexpr int kLines = 3000;  // more than a pipe takes, less than what is held
  for (int i = 0; i < kLines; ++i) {
    file_->write(numbered(i));
    logs_.flush();
  }
  EXPECT_TRUE(logs_.wants_retry());
  EXPECT_THAT(told_, IsEmpty()) << "nothing is lost yet";
  std::string all;
  for (int turn = 0; turn < 100 && logs_.wants_retry(); ++turn) {
    all += drain(reader_.get());
    logs_.flush();
  }
  all += drain(reader_.get());
  EXPECT_EQ(count_whole(all), kLines);
}

TEST_F(AccessFifoTest, lines_over_the_limit_are_dropped_whole_and_told) {
  constexpr int kLines = kHeldLines + 3000;
  for (int i = 0; i < kLines; ++i) {
    file_->write(numbered(i));
    logs_.flush();
  }
  std::string all;
  for (int turn = 0; turn < 100 && logs_.wants_retry(); ++turn) {
    all += drain(reader_.get());
    logs_.flush();
  }
  all += drain(reader_.get());
  const int whole = count_whole(all);
  EXPECT_LT(whole, kLines);
  EXPECT_THAT(told_, ElementsAre(HasSubstr(std::to_string(kLines - whole) + " lines of access log")));
}

// A FIFO keeps what nobody has read as long as one side has it open.
TEST_F(AccessFifoTest, a_dead_reader_is_survived_and_the_next_one_goes_on_where_it_was) {
  for (int i = 0; i < 1000; ++i) file_->write(numbered(i));
  logs_.flush();
  char part[1050];
  ASSERT_EQ(::read(reader_.get(), part, sizeof part), 1050);
  reader_.reset();
  logs_.flush();
  EXPECT_THAT(told_, ElementsAre(HasSubstr("Broken pipe")));
  EXPECT_TRUE(logs_.wants_retry());
  reader_ = new_reader();
  std::string all(part, sizeof part);
  for (int turn = 0; turn < 100 && logs_.wants_retry(); ++turn) {
    all += drain(reader_.get());
    logs_.flush();
  }
  all += drain(reader_.get());
  EXPECT_EQ(count_whole(all), 1000);
}

TEST_F(AccessLogTest, what_the_last_flush_leaves_is_told) {
  const auto full = open("/dev/full");
  const auto good = open("log");
  full->write("a\n");
  full->write("b\n");
  good->write("c\n");
  logs_.finish();
  EXPECT_EQ(text("log"), "c\n");
  EXPECT_THAT(told_, ElementsAre(HasSubstr("No space left on device"), HasSubstr("2 lines of access log /dev/full")));
  EXPECT_FALSE(logs_.wants_retry());
}

}  // namespace
}  // namespace forklift::master
