#include "plugin/image.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <cstddef>
#include <filesystem>
#include <functional>
#include <thread>
#include <vector>

#include "workshop.h"

namespace forklift::plugin {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

class ImageTest : public Workshop {
 protected:
  ImageTest() : plugin_(build("good.so", kGoodSource)) {
    set_age(plugin_, 60);
    std::filesystem::create_directory(runtime_dir());
  }

  std::string runtime_dir() const { return path("run"); }

  Result<UniqueFd> make() { return make_image(plugin_, "shop.3", runtime_dir(), Clock::now() + seconds(20)); }

  std::string plugin_;
};

std::string link_of(int fd) {
  return std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(fd)).string();
}

bool close_on_exec(int fd) {
  return (::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0;
}

// Runs `body` in a thread for which the kernel has no memfds and, if `executable` is false, maps no code: a seccomp(2)
// filter holds for the thread that installs it and ends with it.
void without_memfd(bool executable, const std::function<void()>& body) {
  std::thread([&] {
    const auto field = [](std::size_t offset) { return static_cast<std::uint32_t>(offset); };
    const std::vector<sock_filter> filter = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, field(offsetof(seccomp_data, nr))),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_memfd_create, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mmap, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, field(offsetof(seccomp_data, args) + 2 * sizeof(__u64))),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, executable ? 0U : PROT_EXEC, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const sock_fprog program{static_cast<unsigned short>(filter.size()), const_cast<sock_filter*>(filter.data())};
    ASSERT_EQ(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    ASSERT_EQ(::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
    body();
  }).join();
}

TEST_F(ImageTest, is_a_sealed_memfd_with_the_bytes_and_the_label) {
  const auto image = make();
  ASSERT_TRUE(image) << image.error().message();
  EXPECT_EQ(read(image->get()), read(plugin_));
  EXPECT_THAT(link_of(image->get()), StartsWith("/memfd:forklift:shop.3"));
  EXPECT_TRUE(close_on_exec(image->get()));
}

TEST_F(ImageTest, nobody_can_change_it) {
  const auto image = make();
  ASSERT_TRUE(image) << image.error().message();
  EXPECT_EQ(::pwrite(image->get(), "x", 1, 0), -1);
  EXPECT_EQ(errno, EPERM);
  EXPECT_EQ(::ftruncate(image->get(), 0), -1);
  EXPECT_EQ(::fcntl(image->get(), F_ADD_SEALS, 0), -1);
  EXPECT_EQ(::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, image->get(), 0), MAP_FAILED);
}

TEST_F(ImageTest, keeps_its_bytes_when_the_file_is_overwritten_in_place) {
  const std::string before = read(plugin_);
  const auto image = make();
  ASSERT_TRUE(image) << image.error().message();
  write("good.so", "overwritten");
  EXPECT_EQ(read(image->get()), before);
}

TEST_F(ImageTest, an_endless_label_is_cut) {
  const auto image = make_image(plugin_, std::string(5000, 'a'), runtime_dir(), Clock::now() + seconds(20));
  ASSERT_TRUE(image) << image.error().message();
}

TEST_F(ImageTest, passes_the_reason_on_when_the_file_is_no_plugin) {
  const std::string text = write("text.so", "hello\n");
  set_age(text, 60);
  const auto image = make_image(text, "shop.3", runtime_dir(), Clock::now() + seconds(20));
  ASSERT_FALSE(image);
  EXPECT_EQ(image.error().message(), text + " is not an ELF file");
}

TEST_F(ImageTest, without_memfds_is_a_nameless_file_in_the_runtime_dir) {
  without_memfd(true, [&] {
    const auto image = make();
    ASSERT_TRUE(image) << image.error().message();
    EXPECT_EQ(read(image->get()), read(plugin_));
    EXPECT_THAT(link_of(image->get()),
                AllOf(StartsWith(std::filesystem::canonical(runtime_dir()).string()), HasSubstr("(deleted)")));
    EXPECT_TRUE(std::filesystem::is_empty(runtime_dir()));
    EXPECT_TRUE(close_on_exec(image->get()));
    struct stat status {};
    ASSERT_EQ(::fstat(image->get(), &status), 0);
    EXPECT_EQ(status.st_mode & 0222, 0U);
    EXPECT_EQ(::pwrite(image->get(), "x", 1, 0), -1);
  });
}

TEST_F(ImageTest, names_both_reasons_where_nothing_can_be_executed) {
  without_memfd(false, [&] {
    const auto image = make();
    ASSERT_FALSE(image);
    EXPECT_THAT(image.error().message(),
                AllOf(HasSubstr("memfd_create: Function not implemented"),
                      HasSubstr("runtime_dir " + runtime_dir() + ": it cannot be executed: Operation not permitted")));
    EXPECT_TRUE(std::filesystem::is_empty(runtime_dir()));
  });
}

TEST_F(ImageTest, names_a_runtime_dir_that_is_missing) {
  std::filesystem::remove(runtime_dir());
  without_memfd(true, [&] {
    const auto image = make();
    ASSERT_FALSE(image);
    EXPECT_THAT(image.error().message(), HasSubstr("create a file: No such file or directory"));
  });
}

}  // namespace
}  // namespace forklift::plugin
