#include "base/log.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <tuple>

#include "base/signals.h"
#include "forked.h"
#include "json_string.h"

namespace forklift::log {
namespace {

using testing::HasSubstr;

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

class LogTest : public testing::Test {
 protected:
  LogTest() {
    std::string name = testing::TempDir() + "forklift-log-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    folder_ = name;
  }
  ~LogTest() override {
    redirect(nullptr);
    EXPECT_TRUE(open({}));
    std::filesystem::remove_all(folder_);
  }

  std::string path(const std::string& name) const { return folder_ + "/" + name; }
  std::string text(const std::string& name) const {
    std::ifstream file(path(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  std::vector<std::string> lines(const std::string& name) const { return lines_of(text(name)); }

  std::string folder_;
};

TEST_F(LogTest, a_line_has_its_time_its_level_and_its_text) {
  ASSERT_TRUE(open({.file = path("log")}));
  info("app \"{}\" is {}", "shop", "here");
  warning("w");
  error("e");
  const auto written = lines("log");
  ASSERT_EQ(written.size(), 3U);
  const std::regex expected(
      R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (info   |warning|error  ) (app "shop" is here|w|e))");
  for (const auto& line : written) EXPECT_TRUE(std::regex_match(line, expected)) << line;
}

TEST_F(LogTest, lines_below_the_level_are_not_written) {
  ASSERT_TRUE(open({.file = path("log"), .level = Level::kWarning}));
  EXPECT_FALSE(enabled(Level::kInfo));
  EXPECT_TRUE(enabled(Level::kWarning));
  debug("1");
  info("2");
  warning("3");
  error("4");
  EXPECT_EQ(lines("log").size(), 2U);
  ASSERT_TRUE(open({.file = path("log"), .level = Level::kDebug}));
  debug("5");
  EXPECT_THAT(lines("log").back(), HasSubstr("debug   5"));
}

TEST_F(LogTest, json_lines_are_valid_whatever_is_in_them) {
  ASSERT_TRUE(open({.file = path("log"), .format = Format::kJson}));
  std::string bytes;
  for (int c = 0; c < 256; ++c) bytes += static_cast<char>(c);
  write(Level::kError, bytes);
  const auto written = lines("log");
  ASSERT_EQ(written.size(), 1U);
  const std::regex expected(R"-(\{"time":"([0-9T:.Z-]{24})","level":"error","message":"(.*)"\})-");
  std::smatch parts;
  ASSERT_TRUE(std::regex_match(written[0], parts, expected)) << written[0];
  EXPECT_EQ(decode_json_string(parts[2].str()), bytes);
}

TEST_F(LogTest, a_file_is_continued_and_not_for_everybody_to_read) {
  std::ofstream(path("log")) << "before\n";
  ASSERT_TRUE(open({.file = path("log")}));
  info("after");
  EXPECT_EQ(lines("log").size(), 2U);

  const mode_t mask = ::umask(0);
  ASSERT_TRUE(open({.file = path("new")}));
  ::umask(mask);
  struct stat status {};
  ASSERT_EQ(::stat(path("new").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0640U);
}

TEST_F(LogTest, a_log_that_goes_on_elsewhere_says_where) {
  ASSERT_TRUE(open({.file = path("log")}));
  ASSERT_FALSE(open({.file = path("none/log")}));
  EXPECT_EQ(lines("log").size(), 0U);
  ASSERT_TRUE(open({.file = path("new")}));
  ASSERT_EQ(lines("log").size(), 1U);
  EXPECT_THAT(lines("log")[0], HasSubstr("the log goes on in " + path("new")));
  EXPECT_EQ(lines("new").size(), 0U);
}

TEST_F(LogTest, reopen_follows_the_name_after_a_rotation) {
  ASSERT_TRUE(open({.file = path("log")}));
  info("1");
  std::filesystem::rename(path("log"), path("log.1"));
  info("2");
  ASSERT_TRUE(reopen());
  info("3");
  EXPECT_EQ(lines("log.1").size(), 2U);
  ASSERT_EQ(lines("log").size(), 1U);
  EXPECT_THAT(lines("log")[0], HasSubstr("info    3"));
}

TEST_F(LogTest, a_file_that_cannot_be_opened_leaves_everything_as_it_was) {
  ASSERT_TRUE(open({.file = path("log")}));
  std::filesystem::rename(path("log"), path("log.1"));
  std::filesystem::create_directory(path("log"));
  const auto reopened = reopen();
  ASSERT_FALSE(reopened);
  EXPECT_THAT(reopened.error().message(), testing::AllOf(HasSubstr(path("log")), HasSubstr("Is a directory")));
  info("still here");
  EXPECT_EQ(lines("log.1").size(), 1U);

  EXPECT_FALSE(open({.file = path("none/log"), .level = Level::kError}));
  EXPECT_TRUE(enabled(Level::kInfo));
  info("and here");
  EXPECT_EQ(lines("log.1").size(), 2U);
}

TEST_F(LogTest, a_worker_sends_its_lines_elsewhere) {
  ASSERT_TRUE(open({.file = path("log")}));
  std::string seen;
  redirect([&](Level level, std::string_view line) {
    seen += std::string(to_string(level)) + ":" + std::string(line) + ";";
  });
  debug("no");
  info("one");
  error("two");
  EXPECT_EQ(seen, "info:one;error:two;");
  EXPECT_EQ(text("log"), "");
}

// /dev/full takes no byte: what is lost is counted, and said as soon as there is somewhere to say it.
TEST_F(LogTest, a_full_disk_is_survived_and_told) {
  ASSERT_TRUE(open({.file = "/dev/full"}));
  for (int i = 0; i < 5; ++i) info("lost");
  ASSERT_TRUE(open({.file = path("log")}));
  info("kept");
  const auto written = lines("log");
  ASSERT_EQ(written.size(), 2U);
  // Each attempt to tell it on the full disk failed too, together with the line behind it.
  EXPECT_THAT(written[0], HasSubstr("warning 5 log lines were dropped"));
  EXPECT_THAT(written[1], HasSubstr("kept"));
}

// A limit on the size of files (RLIMIT_FSIZE) takes a part of a line, as a disk does that is just full.
TEST_F(LogTest, a_torn_line_is_ended_in_its_own_file_and_leaves_no_trace_in_the_next) {
  for (const bool rotated : {false, true}) {
    const std::string name = rotated ? "rotated" : "same";
    const Forked child = in_child([&]() -> std::string {
      ::signal(SIGXFSZ, SIG_IGN);
      if (!open({.file = path(name)})) return "not opened";
      const rlimit none{100, RLIM_INFINITY};
      ::setrlimit(RLIMIT_FSIZE, &none);
      info("{}", std::string(200, 'x'));
      const rlimit all{RLIM_INFINITY, RLIM_INFINITY};
      ::setrlimit(RLIMIT_FSIZE, &all);
      if (rotated) std::filesystem::rename(path(name), path(name + ".1"));
      if (!reopen()) return "not reopened";
      info("next");
      return "done";
    });
    ASSERT_EQ(child.said, "done");
    const auto written = lines(name);
    const std::size_t torn = rotated ? 0 : 1;
    ASSERT_EQ(written.size(), torn + 2) << text(name);
    EXPECT_THAT(written[torn], HasSubstr("1 log lines were dropped"));
    EXPECT_THAT(written[torn + 1], HasSubstr("next"));
  }
}

// Standard error is what it is: a pipe, a terminal, a socket; blocking, and shared with whoever started us.
enum class Kind { kPipe, kPipeOfAnother, kTerminal, kTerminalOfAnother, kSocket };

std::string name_of(Kind kind) {
  constexpr std::array kNames = {"pipe", "pipe_of_another", "terminal", "terminal_of_another", "socket"};
  return kNames.at(static_cast<std::size_t>(kind));
}

struct FullOutput {
  UniqueFd reader;

  // [child] Makes one of them standard error, and that the log. It takes no more than some ten KiB.
  explicit FullOutput(Kind kind) {
    ::signal(SIGPIPE, SIG_IGN);
    UniqueFd writer = kind == Kind::kSocket ? socket() : is_terminal(kind) ? terminal() : pipe();
    if (!writer) ::_exit(98);
    ::dup2(writer.get(), STDERR_FILENO);
    writer.reset();
    const bool is_of_another = kind == Kind::kPipeOfAnother || kind == Kind::kTerminalOfAnother;
    if (is_of_another && (::fchmod(STDERR_FILENO, 0) != 0 || !become_nobody())) ::_exit(96);
    if (!open({})) ::_exit(97);
  }

  static bool is_terminal(Kind kind) { return kind == Kind::kTerminal || kind == Kind::kTerminalOfAnother; }

  UniqueFd pipe() {
    int ends[2];
    if (::pipe(ends) != 0) return {};
    ::fcntl(ends[1], F_SETPIPE_SZ, 16 * 1024);
    reader.reset(ends[0]);
    return UniqueFd(ends[1]);
  }
  UniqueFd socket() {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) return {};
    const int bytes = 8 * 1024;
    ::setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    reader.reset(ends[0]);
    return UniqueFd(ends[1]);
  }
  UniqueFd terminal() {
    reader.reset(::posix_openpt(O_RDWR | O_NOCTTY));
    if (!reader || ::grantpt(reader.get()) != 0 || ::unlockpt(reader.get()) != 0) return {};
    return UniqueFd(::open(::ptsname(reader.get()), O_RDWR | O_NOCTTY));
  }

  std::string drain() const {
    std::string text;
    pollfd ready{reader.get(), POLLIN, 0};
    char buffer[8192];
    // What is written to a terminal comes by way of the kernel's worker.
    while (::poll(&ready, 1, 100) == 1 && (ready.revents & POLLIN)) {
      text.append(buffer, static_cast<std::size_t>(::read(reader.get(), buffer, sizeof buffer)));
    }
    std::erase(text, '\r');  // a terminal's
    return text;
  }
};

class FullOutputTest : public LogTest, public testing::WithParamInterface<std::tuple<Kind, std::size_t>> {};
INSTANTIATE_TEST_SUITE_P(Of, FullOutputTest,
                         testing::Combine(testing::Values(Kind::kPipe, Kind::kPipeOfAnother, Kind::kTerminal,
                                                          Kind::kTerminalOfAnother, Kind::kSocket),
                                          testing::Values(10, 1000, 4095, 4096, 4097, 10'000, 65'536)),
                         [](const auto& test) {
                           return fmt::format("{}_{}", name_of(std::get<0>(test.param)), std::get<1>(test.param));
                         });

TEST_P(FullOutputTest, never_blocks_and_what_is_dropped_is_counted_and_told) {
  const auto [kind, line_bytes] = GetParam();
  const Forked child = in_child([kind, line_bytes]() -> std::string {
    const FullOutput output(kind);
    constexpr int kLines = 1000;
    for (int i = 0; i < kLines; ++i) info("{}", std::string(line_bytes, 'x'));
    std::string all = output.drain();
    info("the last one");
    all += output.drain();

    int whole = 0;
    int dropped = 0;
    bool told_behind_the_gap = false;
    for (const std::string& line : lines_of(all)) {
      const bool complete = line.ends_with(" info    " + std::string(line_bytes, 'x'));
      const std::size_t notice = line.find(" warning ");
      if (complete) ++whole;
      if (notice == std::string::npos) continue;
      // At its place: the time stands at the beginning of a line, whatever was torn before.
      if (notice == 24) dropped += std::stoi(line.substr(notice + 9));
      told_behind_the_gap = true;
    }
    const bool last = lines_of(all).back().ends_with(" info    the last one");
    if (!told_behind_the_gap || !last)
      return "not told: " + all.substr(all.size() - std::min<std::size_t>(all.size(), 300));
    return whole + dropped == kLines ? "good" : std::to_string(whole) + " + " + std::to_string(dropped);
  });
  EXPECT_EQ(child.said, "good");
}

// What else has the open file goes on as before, whether the log has one of its own or not.
TEST_F(LogTest, standard_error_blocks_for_others_as_before) {
  for (const Kind kind :
       {Kind::kPipe, Kind::kPipeOfAnother, Kind::kTerminal, Kind::kTerminalOfAnother, Kind::kSocket}) {
    const Forked child = in_child([kind]() -> std::string {
      const FullOutput output(kind);
      for (int i = 0; i < 2000; ++i) info("{}", std::string(100, 'x'));
      return (::fcntl(STDERR_FILENO, F_GETFL) & O_NONBLOCK) == 0 ? "it blocks" : "it does not block";
    });
    EXPECT_EQ(child.said, "it blocks") << name_of(kind);
  }
}

TEST_F(LogTest, a_dead_reader_is_no_death_and_no_wait) {
  const Forked child = in_child([]() -> std::string {
    FullOutput output(Kind::kPipe);
    output.reader.reset();
    for (int i = 0; i < 1000; ++i) info("nobody reads this");
    return "alive";
  });
  EXPECT_EQ(child.said, "alive");
}

}  // namespace
}  // namespace forklift::log
