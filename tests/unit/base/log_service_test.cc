// The log in the hands of syslog or the journal.
#include "base/log_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <regex>
#include <string>

#include "base/log.h"
#include "receiver.h"

namespace forklift::log {
namespace {

using testing::HasSubstr;
using namespace std::string_literals;

class LogServiceTest : public testing::TestWithParam<std::string> {
 protected:
  LogServiceTest() {
    std::string name = testing::TempDir() + "forklift-log-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    folder_ = name;
  }
  ~LogServiceTest() override {
    EXPECT_TRUE(open({}));
    std::filesystem::remove_all(folder_);
  }

  std::string path() const { return folder_ + "/socket"; }
  Result<void> open_service(Format format = Format::kText) {
    return open({.file = GetParam(), .level = Level::kDebug, .format = format}, {.syslog = path(), .journal = path()});
  }
  // What the service takes for the text of the line; the whole datagram where it is no line.
  static std::string message_in(const std::string& datagram) {
    static const std::regex syslog(R"(<\d+>... [ \d]\d \d\d:\d\d:\d\d forklift\[\d+\]: (.*))");
    static const std::regex journal("PRIORITY=\\d\nSYSLOG_FACILITY=3\nSYSLOG_IDENTIFIER=forklift\nMESSAGE=(.*)\n");
    std::smatch parts;
    const bool is_line = std::regex_match(datagram, parts, GetParam() == "syslog" ? syslog : journal);
    return is_line ? parts[1].str() : datagram;
  }

  std::string folder_;
};

INSTANTIATE_TEST_SUITE_P(Of, LogServiceTest, testing::Values("syslog", "journal"),
                         [](const auto& test) { return test.param; });

TEST_P(LogServiceTest, a_line_is_a_datagram_with_its_priority) {
  const Receiver service(path());
  ASSERT_TRUE(open_service());
  const std::pair<Level, int> kSeverities[] = {
      {Level::kDebug, 7}, {Level::kInfo, 6}, {Level::kWarning, 4}, {Level::kError, 3}};
  for (const auto& [level, severity] : kSeverities) {
    write(level, "app \"shop\" is here");
    const std::string datagram = service.take();
    EXPECT_EQ(message_in(datagram), "app \"shop\" is here");
    const int facility = 3;
    EXPECT_THAT(datagram,
                testing::StartsWith(GetParam() == "syslog" ? "<" + std::to_string(facility * 8 + severity) + ">"
                                                           : "PRIORITY=" + std::to_string(severity) + "\n"));
  }
}

TEST_P(LogServiceTest, json_stays_json) {
  const Receiver service(path());
  ASSERT_TRUE(open_service(Format::kJson));
  info("a \"b\"");
  const std::string message = message_in(service.take());
  EXPECT_TRUE(std::regex_match(message, std::regex(R"-(\{"time":"[^"]+Z","level":"info","message":"a \\"b\\""\})-")))
      << message;
}

TEST_P(LogServiceTest, a_service_that_is_not_there_is_an_error_and_changes_nothing) {
  ASSERT_TRUE(open({.file = folder_ + "/log"}));
  const auto opened = open_service();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().message(), "log: connect to " + path() + ": No such file or directory (is " +
                                          (GetParam() == "syslog" ? "a syslog daemon" : "systemd-journald") +
                                          " running here? log.file can also be \"-\" or a path)");
  info("still in the file");
  EXPECT_GT(std::filesystem::file_size(folder_ + "/log"), 0U);
}

TEST_P(LogServiceTest, never_waits_and_what_is_dropped_is_counted_and_told) {
  const Receiver service(path());
  ASSERT_TRUE(open_service());
  constexpr int kLines = 5000;
  for (int i = 0; i < kLines; ++i) info("{}", std::string(100, 'x'));
  int taken = 0;
  while (message_in(service.take()) == std::string(100, 'x')) ++taken;
  EXPECT_LT(taken, kLines);
  info("the last one");
  EXPECT_EQ(message_in(service.take()),
            std::to_string(kLines - taken) + " log lines were dropped because the log could not be written");
  EXPECT_EQ(message_in(service.take()), "the last one");
}

TEST_P(LogServiceTest, a_service_that_is_restarted_is_found_again_by_the_next_line) {
  Receiver first(path());
  ASSERT_TRUE(open_service());
  first.close();
  info("lost");
  std::filesystem::remove(path());
  const Receiver second(path());
  info("kept");
  EXPECT_THAT(message_in(second.take()), HasSubstr("1 log lines were dropped"));
  EXPECT_EQ(message_in(second.take()), "kept");
}

TEST_P(LogServiceTest, reopen_connects_to_whoever_is_at_the_path_now) {
  const Receiver first(path());
  ASSERT_TRUE(open_service());
  std::filesystem::remove(path());
  EXPECT_FALSE(reopen());
  info("1");
  const Receiver second(path());
  ASSERT_TRUE(reopen());
  info("2");
  EXPECT_EQ(message_in(first.take()), "1") << "which it kept while there was no other";
  EXPECT_EQ(message_in(second.take()), "2");
}

TEST_P(LogServiceTest, the_largest_line_arrives_whole) {
  const Receiver service(path());
  ASSERT_TRUE(open_service());
  const std::string line(256 * 1024, 'x');
  info("{}", line);
  EXPECT_THAT(service.take(), HasSubstr(line));
}

TEST(Journal, a_text_with_a_newline_is_told_by_its_length) {
  EXPECT_EQ(to_journal(Level::kInfo, "a\nb=c"),
            "PRIORITY=6\nSYSLOG_FACILITY=3\nSYSLOG_IDENTIFIER=forklift\nMESSAGE\n\x05\0\0\0\0\0\0\0a\nb=c\n"s);
}

TEST(Syslog, has_the_time_of_day_and_the_pid) {
  ::setenv("TZ", "UTC", 1);
  ::tzset();
  const WallTime time = std::chrono::system_clock::from_time_t(1'793'955'723);  // date -u -d @1793955723
  EXPECT_EQ(to_syslog(Level::kError, "gone", 4711, time), "<27>Nov  6 09:02:03 forklift[4711]: gone");
  ::unsetenv("TZ");
  ::tzset();
}

}  // namespace
}  // namespace forklift::log
