#include "plugin/regular_file.h"

#include <gmock/gmock.h>
#include <sys/syscall.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "foreign_elf.h"
#include "plugin/elf.h"
#include "plugin/needed.h"
#include "plugin/open_file.h"
#include "workshop.h"

namespace forklift::plugin {
namespace {

using testing::EndsWith;

// Somebody who waits for a reader of a FIFO: open(2) lets him go on as soon as there was one, for however short a time.
class WaitingWriter {
 public:
  explicit WaitingWriter(const std::string& path) : path_(path) {
    EXPECT_EQ(::mkfifo(path.c_str(), 0600), 0);
    thread_ = std::thread([this] {
      thread_id_ = static_cast<pid_t>(::syscall(SYS_gettid));
      const UniqueFd fifo(::open(path_.c_str(), O_WRONLY | O_CLOEXEC));
      has_opened_ = true;
    });
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!is_waiting() && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  }
  ~WaitingWriter() {
    const UniqueFd reader(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    thread_.join();
  }
  WaitingWriter(const WaitingWriter&) = delete;
  WaitingWriter& operator=(const WaitingWriter&) = delete;

  // Sleeps, in the only call where it can (proc_pid_stat(5)). Who wakes it has made it runnable before his own call
  // returns.
  bool is_waiting() const {
    std::ifstream file("/proc/self/task/" + std::to_string(thread_id_) + "/stat");
    std::string text((std::istreambuf_iterator<char>(file)), {});
    const std::size_t name_end = text.rfind(')');
    return !has_opened_ && name_end != text.npos && text.substr(name_end, 3) == ") S";
  }

 private:
  const std::string path_;
  std::atomic<pid_t> thread_id_{0};
  std::atomic<bool> has_opened_{false};
  std::thread thread_;
};

class RegularFileTest : public Workshop {};

TEST_F(RegularFileTest, is_opened_for_reading) {
  const auto file = open_regular_file(write("text", "content"));
  ASSERT_TRUE(file) << file.error().message();
  EXPECT_EQ(read(file->get()), "content");
  std::filesystem::create_symlink("text", path("link"));
  EXPECT_TRUE(open_regular_file(path("link")));
}

TEST_F(RegularFileTest, errors_name_the_path) {
  EXPECT_EQ(open_regular_file("/no\nwhere").error().message(), "/no\\nwhere: No such file or directory");
  EXPECT_EQ(open_regular_file(folder_).error().message(), folder_ + " is not a regular file");
  EXPECT_EQ(open_regular_file("/dev/null").error().message(), "/dev/null is not a regular file");
}

TEST_F(RegularFileTest, a_fifo_is_not_opened) {
  const WaitingWriter writer(path("fifo"));
  ASSERT_TRUE(writer.is_waiting());
  EXPECT_THAT(open_regular_file(path("fifo")).error().message(), EndsWith("fifo is not a regular file"));
  EXPECT_TRUE(writer.is_waiting());
  EXPECT_THAT(open_file(path("fifo")).error().message(), EndsWith("fifo is not a regular file"));
  EXPECT_TRUE(writer.is_waiting());
}

TEST_F(RegularFileTest, nor_is_one_that_a_plugin_needs) {
  const std::string plugin = write("plugin.so", ForeignElf{.needed = path("fifo")}.bytes());
  const auto info = read_elf(open(plugin).get());
  ASSERT_TRUE(info) << info.error().message();
  const WaitingWriter writer(path("fifo"));
  ASSERT_TRUE(writer.is_waiting());
  const auto libraries = find_libraries(plugin, *info, {});
  EXPECT_TRUE(writer.is_waiting());
  ASSERT_EQ(libraries.size(), 1U);
  EXPECT_EQ(libraries[0].path, "");
}

}  // namespace
}  // namespace forklift::plugin
