#include "ipc/worker_output.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>

#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace forklift::ipc {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class WorkerOutputTest : public testing::Test {
 protected:
  using Line = std::pair<Stream, std::string>;

  WorkerOutputTest() {
    ::signal(SIGPIPE, SIG_IGN);  // as in the master
    auto made = WorkerOutput::make();
    if (!made) throw std::runtime_error(made.error().message());
    made_ = std::move(*made);
  }

  static void print(const UniqueFd& to, std::string_view text) {
    ASSERT_EQ(::write(to.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  bool read(Stream stream) { return made_.output.read(stream, sink()); }
  void finish() { made_.output.finish(sink()); }
  WorkerOutput::Sink sink() {
    return [this](Stream stream, std::string_view line) { lines_.emplace_back(stream, line); };
  }
  void end_worker() {
    made_.standard_output.reset();
    made_.standard_error.reset();
  }

  WorkerOutput::Made made_;
  std::vector<Line> lines_;
};

TEST_F(WorkerOutputTest, no_end_is_inherited_and_the_workers_block) {
  for (const int fd : {made_.output.fd(Stream::kOutput), made_.output.fd(Stream::kError), made_.standard_output.get(),
                       made_.standard_error.get()}) {
    EXPECT_NE(::fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
  }
  EXPECT_EQ(::fcntl(made_.standard_output.get(), F_GETFL) & O_NONBLOCK, 0);
  EXPECT_EQ(::fcntl(made_.standard_error.get(), F_GETFL) & O_NONBLOCK, 0);
}

TEST_F(WorkerOutputTest, nothing_to_read_is_no_end) {
  EXPECT_TRUE(read(Stream::kOutput));
  EXPECT_TRUE(read(Stream::kError));
  EXPECT_THAT(lines_, IsEmpty());
}

TEST_F(WorkerOutputTest, the_streams_do_not_mix_within_a_line) {
  print(made_.standard_output, "out ");
  print(made_.standard_error, "err ");
  read(Stream::kOutput);
  read(Stream::kError);
  print(made_.standard_output, "1\nout 2\n");
  print(made_.standard_error, "1\n");
  read(Stream::kOutput);
  read(Stream::kError);
  EXPECT_THAT(lines_, ElementsAre(Line(Stream::kOutput, "out 1"), Line(Stream::kOutput, "out 2"),
                                  Line(Stream::kError, "err 1")));
  EXPECT_EQ(to_string(Stream::kOutput), "stdout");
  EXPECT_EQ(to_string(Stream::kError), "stderr");
}

// However short they are.
TEST_F(WorkerOutputTest, one_read_takes_a_bounded_number_of_lines) {
  constexpr std::size_t kLines = 10'000;
  print(made_.standard_output, std::string(kLines, '\n'));
  std::size_t turns = 0;
  for (std::size_t before = 0; before < kLines; before = lines_.size(), ++turns) {
    EXPECT_TRUE(read(Stream::kOutput));
    ASSERT_GT(lines_.size(), before);
    EXPECT_LT(lines_.size(), before + WorkerOutput::kTurnMax.lines + WorkerOutput::kReadBytes);
  }
  EXPECT_LE(turns, kLines / WorkerOutput::kTurnMax.lines + 1);
}

TEST_F(WorkerOutputTest, one_read_takes_a_bounded_number_of_bytes) {
  constexpr std::size_t kTurn = WorkerOutput::kTurnMax.bytes;
  const std::string line(8 * 1024 - 1, 'x');
  for (std::size_t bytes = 0; bytes < 2 * kTurn; bytes += line.size() + 1) print(made_.standard_output, line + "\n");
  EXPECT_TRUE(read(Stream::kOutput));
  EXPECT_EQ(lines_.size() * (line.size() + 1), kTurn);
  EXPECT_TRUE(read(Stream::kOutput));
  EXPECT_EQ(lines_.size() * (line.size() + 1), 2 * kTurn);
}

TEST_F(WorkerOutputTest, a_stream_that_was_closed_is_at_its_end_and_the_other_goes_on) {
  print(made_.standard_output, "last");
  made_.standard_output.reset();
  EXPECT_FALSE(read(Stream::kOutput));
  EXPECT_FALSE(read(Stream::kOutput));
  print(made_.standard_error, "e\n");
  EXPECT_TRUE(read(Stream::kError));
  EXPECT_THAT(lines_, ElementsAre(Line(Stream::kError, "e")));
  finish();
  EXPECT_THAT(lines_, ElementsAre(Line(Stream::kError, "e"), Line(Stream::kOutput, "last")));
}

TEST_F(WorkerOutputTest, what_a_dead_worker_has_left_is_read_to_the_last_half_line) {
  print(made_.standard_output, "seen\nhal");
  read(Stream::kOutput);
  print(made_.standard_output, "f");
  print(made_.standard_error, "not seen\nand half");
  end_worker();
  finish();
  EXPECT_THAT(lines_, ElementsAre(Line(Stream::kOutput, "seen"), Line(Stream::kOutput, "half"),
                                  Line(Stream::kError, "not seen"), Line(Stream::kError, "and half")));
  EXPECT_EQ(made_.output.fd(Stream::kOutput), -1);
  EXPECT_EQ(made_.output.fd(Stream::kError), -1);
  finish();
  EXPECT_EQ(lines_.size(), 4U) << "the second time there is nothing";
}

TEST_F(WorkerOutputTest, a_child_that_still_has_its_end_is_not_waited_for) {
  print(made_.standard_output, "half");
  finish();  // the write ends are still open
  EXPECT_THAT(lines_, ElementsAre(Line(Stream::kOutput, "half")));
}

// Whoever prints for ever for a dead worker does not hold the master for ever.
TEST_F(WorkerOutputTest, the_last_read_is_bounded_too) {
  for (const std::string& text : {std::string(4096, '\n'), std::string(4095, 'x') + "\n"}) {
    auto made = WorkerOutput::make();
    ASSERT_TRUE(made);
    std::size_t bytes = 0;
    std::size_t lines = 0;
    std::thread child([&text, out = made->standard_output.get()] {
      while (::write(out, text.data(), text.size()) > 0) continue;  // until the master closes: SIGPIPE is ignored
    });
    made->output.finish([&](Stream, std::string_view line) {
      bytes += line.size() + 1;
      ++lines;
    });
    child.join();
    EXPECT_LE(bytes, WorkerOutput::kLeftMax.bytes);
    EXPECT_LT(lines, WorkerOutput::kLeftMax.lines + WorkerOutput::kReadBytes);
  }
}

TEST_F(WorkerOutputTest, what_the_last_read_leaves_is_counted) {
  const std::string text(10'000, '\n');
  print(made_.standard_output, text);
  print(made_.standard_error, text);
  end_worker();
  const std::size_t left = made_.output.finish(sink());
  EXPECT_GT(left, 0u);
  EXPECT_EQ(lines_.size() + left, 2 * text.size());
  EXPECT_EQ(made_.output.finish(sink()), 0u);
}

TEST_F(WorkerOutputTest, a_long_line_comes_in_pieces) {
  std::thread worker([this] {
    const std::string text(1'000'000, 'x');
    EXPECT_EQ(::write(made_.standard_error.get(), text.data(), text.size()), 1'000'000) << "it waits for room";
    made_.standard_error.reset();
  });
  while (read(Stream::kError)) std::this_thread::yield();
  worker.join();
  finish();
  EXPECT_EQ(lines_.size(), 1'000'000 / LineAssembler::kPieceBytesMax + 1);
  EXPECT_TRUE(lines_.front().second.ends_with("x ..."));
  EXPECT_TRUE(lines_.back().second.starts_with("... x"));
}

TEST(NoWorkerOutput, has_nothing_to_read) {
  WorkerOutput output;
  EXPECT_EQ(output.fd(Stream::kOutput), -1);
  EXPECT_FALSE(output.read(Stream::kOutput, [](Stream, std::string_view) { FAIL(); }));
  output.finish([](Stream, std::string_view) { FAIL(); });
}

}  // namespace
}  // namespace forklift::ipc
