// A temporary folder in which a test builds little plugins from C, and spoils them.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "base/unique_fd.h"

namespace forklift::plugin {

inline constexpr const char* kGoodSource = R"(
#include <forklift/plugin.h>
static int produce(void *instance, const forklift_env *env, forklift_body *body, forklift_out *out) {
  (void)instance; (void)env; (void)body; (void)out;
  return 0;
}
FORKLIFT_PLUGIN("good", "1.2", .produce = produce);
)";

class Workshop : public testing::Test {
 protected:
  Workshop() {
    std::string name = testing::TempDir() + "forklift-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    folder_ = name;
  }
  ~Workshop() override { std::filesystem::remove_all(folder_); }

  std::string path(const std::string& name) const { return folder_ + "/" + name; }

  // Builds `name` from C and returns its path. `options` go to the compiler as they are, $ORIGIN included.
  std::string build(const std::string& name, const std::string& source, const std::string& options = "") const {
    write(name + ".c", source);
    const std::string command = std::string(CC) + " -shared -fPIC -I " SOURCE_DIR "/plugin-api/include " + path(name) +
                                ".c -o " + path(name) + " " + options;
    EXPECT_EQ(std::system(command.c_str()), 0) << command;
    return path(name);
  }

  std::string write(const std::string& name, const std::string& bytes) const {
    std::ofstream(path(name), std::ios::binary | std::ios::trunc) << bytes;
    return path(name);
  }

  static std::string read(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  static std::string read(int fd) { return read("/proc/self/fd/" + std::to_string(fd)); }

  static UniqueFd open(const std::string& path) { return UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC)); }

  // Moves the file's mtime, so that a test need not wait until it is old.
  static void set_age(const std::string& path, int seconds_old) {
    const timespec then{::time(nullptr) - seconds_old, 0};
    const timespec times[2] = {then, then};
    EXPECT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
  }

  std::string folder_;
};

}  // namespace forklift::plugin
