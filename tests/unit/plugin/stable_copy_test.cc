#include "plugin/stable_copy.h"

#include <gmock/gmock.h>
#include <sys/fsuid.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>

#include "workshop.h"

namespace forklift::plugin {
namespace {

using testing::EndsWith;
using testing::HasSubstr;

constexpr const char* kBeingWritten = ": the file is being written; replace it with install(1) or mv";

class StableCopyTest : public Workshop {
 protected:
  StableCopyTest() : copy_(::memfd_create("copy", MFD_CLOEXEC)) {}

  // The error of a copy; empty if it succeeded. Its duration is left in `took_`.
  std::string copy(const std::string& path, Duration patience = seconds(20)) {
    const TimePoint start = Clock::now();
    const auto copied = copy_stable(path, copy_.get(), start + patience);
    took_ = Clock::now() - start;
    return copied ? "" : copied.error().message();
  }

  // The time since the file was last written.
  static Duration age(const std::string& path) {
    struct stat status {};
    EXPECT_EQ(::stat(path.c_str(), &status), 0);
    const Duration modified = seconds(status.st_mtim.tv_sec) + std::chrono::nanoseconds(status.st_mtim.tv_nsec);
    return std::chrono::system_clock::now().time_since_epoch() - modified;
  }

  std::string copied() const { return read(copy_.get()); }

  UniqueFd copy_;
  Duration took_ = Duration::zero();
};

TEST_F(StableCopyTest, copies_an_old_file_without_waiting) {
  const std::string plugin = build("good.so", kGoodSource);
  set_age(plugin, 3600);
  Duration best = Duration::max();
  for (int i = 0; i < 10; ++i) {
    ASSERT_EQ(copy(plugin), "");
    best = std::min(best, took_);
  }
  EXPECT_LT(best, milliseconds(50));
  EXPECT_EQ(copied(), read(plugin));
}

TEST_F(StableCopyTest, lets_a_new_file_rest_for_100_ms) {
  const std::string plugin = build("good.so", kGoodSource);
  EXPECT_EQ(copy(plugin), "");
  EXPECT_GE(age(plugin), milliseconds(100));
  EXPECT_EQ(copied(), read(plugin));
}

TEST_F(StableCopyTest, does_not_wait_for_a_time_in_the_future) {
  const std::string plugin = build("good.so", kGoodSource);
  set_age(plugin, -3600);
  EXPECT_EQ(copy(plugin), "");
  EXPECT_GE(took_, milliseconds(100));
  EXPECT_LT(took_, seconds(10));
}

TEST_F(StableCopyTest, says_at_once_what_waiting_cannot_cure) {
  const std::string good = read(build("good.so", kGoodSource));
  const std::string text = write("text.so", "not a plugin\n");
  const std::string cut = write("cut.so", good.substr(0, good.size() / 2));
  const std::string empty = write("empty.so", "");
  const std::string foreign = write("foreign.so", std::string(good).replace(18, 2, std::string("\x15\0", 2)));
  const std::string fifo = path("fifo.so");
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  for (const std::string& file : {text, cut, empty, foreign}) set_age(file, 60);

  EXPECT_EQ(copy(path("none.so")), "open " + path("none.so") + ": No such file or directory");
  EXPECT_EQ(copy(folder_), folder_ + " is a directory, not a plugin");
  EXPECT_EQ(copy(fifo), fifo + " is not a regular file");
  EXPECT_EQ(copy(text), text + " is not an ELF file");
  EXPECT_THAT(copy(cut), HasSubstr(cut + " is truncated: "));
  EXPECT_LT(took_, seconds(2));
  EXPECT_EQ(copy(empty), empty + " is empty; is it still being copied? Replace it by rename");
  EXPECT_THAT(copy(foreign), HasSubstr(foreign + " is for ppc64; this server is "));
  EXPECT_THAT(copy(text + "/below.so"), HasSubstr("Not a directory"));
}

TEST_F(StableCopyTest, a_huge_sparse_file_is_refused) {
  const std::string huge = write("huge.so", read(build("good.so", kGoodSource)));
  ASSERT_EQ(::truncate(huge.c_str(), off_t{1} << 40), 0);
  EXPECT_THAT(copy(huge), HasSubstr("a plugin has at most 1073741824"));
}

TEST_F(StableCopyTest, an_unreadable_file_is_refused_at_once) {
  const std::string plugin = build("good.so", kGoodSource);
  ASSERT_EQ(::chmod(plugin.c_str(), 0), 0);
  ASSERT_EQ(::chmod(folder_.c_str(), 0755), 0);
  std::thread([&] {
    if (::geteuid() == 0) ::setfsuid(65534);  // of this thread only: root would read everything
    EXPECT_EQ(copy(plugin), "open " + plugin + ": Permission denied");
  }).join();
}

TEST_F(StableCopyTest, waits_for_the_rest_of_a_file_that_was_written_just_now) {
  const std::string good = read(build("good.so", kGoodSource));
  const std::string cut = write("cut.so", good.substr(0, good.size() / 2));
  EXPECT_THAT(copy(cut, milliseconds(500)), EndsWith(kBeingWritten));
  EXPECT_GE(took_, milliseconds(500));
}

TEST_F(StableCopyTest, gives_a_truncated_file_up_when_nothing_comes_any_more) {
  const std::string good = read(build("good.so", kGoodSource));
  EXPECT_THAT(copy(write("cut.so", good.substr(0, good.size() / 2))),
              testing::ContainsRegex(" is truncated: .*; is it still being copied\\? Replace it by rename"));
  EXPECT_GE(age(path("cut.so")), seconds(2));
  EXPECT_LT(took_, seconds(10));
}

// Somebody who writes two plugins into the same file, in pieces, time and again.
class Writer {
 public:
  Writer(std::string path, std::string one, std::string other)
      : thread_([this, path = std::move(path), one = std::move(one), other = std::move(other)] {
          while (!finished_) {
            for (const std::string& bytes : {one, other}) {
              std::ofstream file(path, std::ios::binary | std::ios::trunc);
              for (std::size_t at = 0; at < bytes.size(); at += 1000) file << bytes.substr(at, 1000) << std::flush;
            }
          }
        }) {}
  ~Writer() { finish(); }

  // Returns when the second plugin lies there whole.
  void finish() {
    finished_ = true;
    if (thread_.joinable()) thread_.join();
  }

 private:
  std::atomic<bool> finished_ = false;
  std::thread thread_;
};

// A large plugin whose section table, which lies at its end, comes last.
std::string large_source(int seed) {
  return std::string(kGoodSource) + "__attribute__((used)) const char pad[300000] = {" + std::to_string(seed) + "};";
}

TEST_F(StableCopyTest, a_file_that_is_written_without_end_is_given_up_at_the_deadline) {
  // Never whole: a writer that is not scheduled for a while has not finished.
  std::string large = read(build("large.so", large_source(1)));
  large.resize(large.size() - 1000);
  const std::string busy = write("busy.so", large);
  Writer writer(busy, large, large);
  EXPECT_THAT(copy(busy, seconds(3)), EndsWith(kBeingWritten));
}

TEST_F(StableCopyTest, the_copy_is_never_torn_and_comes_when_the_writer_has_finished) {
  const std::string one = read(build("one.so", large_source(1)));
  const std::string other = read(build("other.so", large_source(2)));
  ASSERT_NE(one, other);
  const std::string busy = write("busy.so", one);
  Writer writer(busy, one, other);
  std::string error = "none yet";
  std::thread copier([&] { error = copy(busy); });
  const TimePoint end = Clock::now() + milliseconds(500);
  while (Clock::now() < end) std::this_thread::yield();
  writer.finish();
  copier.join();
  EXPECT_EQ(error, "");
  EXPECT_TRUE(copied() == one || copied() == other);
}

// install(1) unlinks the old file before it creates the new one.
TEST_F(StableCopyTest, a_file_that_is_missing_for_a_moment_is_found) {
  const std::string plugin = build("new.so", kGoodSource);
  set_age(plugin, 60);
  std::thread installer([&] {
    const TimePoint end = Clock::now() + milliseconds(10);
    while (Clock::now() < end) std::this_thread::yield();
    std::filesystem::rename(plugin, path("shop.so"));
  });
  EXPECT_EQ(copy(path("shop.so")), "");
  installer.join();
}

}  // namespace
}  // namespace forklift::plugin
