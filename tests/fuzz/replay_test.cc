// Replays a target's corpus with the compiler and the options of all other tests. Built once for each target.
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

TEST(FuzzCorpus, TARGET) {
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(CORPUS)) {
    // If this one crashes, its name is the last that was said.
    std::cout << entry.path() << std::endl;
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string bytes(std::istreambuf_iterator<char>(file), {});
    // Alone in memory, as libFuzzer gives it: the address sanitizer sees a byte read beyond it.
    const std::unique_ptr<std::uint8_t[]> exact(new std::uint8_t[bytes.size()]);
    std::copy(bytes.begin(), bytes.end(), exact.get());
    try {
      LLVMFuzzerTestOneInput(exact.get(), bytes.size());
    } catch (const std::exception& broken) {
      ADD_FAILURE() << entry.path() << ": " << broken.what();
    }
    ++files;
  }
  EXPECT_GT(files, 0u);
}

}  // namespace
