// Writes the files of describe.h: `write_documents FOLDER`, where FOLDER is the root of the repository.

#include <fmt/format.h>

#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>

#include "describe/describe.h"

namespace {

using namespace forklift;

std::string read(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

bool write(const std::string& path, const std::string& text) {
  std::ofstream file(path);
  file << text;
  if (file.flush()) return true;
  fmt::print(stderr, "write_documents: {} cannot be written\n", path);
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    fmt::print(stderr, "usage: write_documents FOLDER\n");
    return 2;
  }
  const auto at = [&](std::string_view file) { return fmt::format("{}/{}", argv[1], file); };
  const bool written = write(at(describe::kExampleFile), describe::example(read(at(describe::kExampleForm)))) &&
                       write(at(describe::kSchemaFile), describe::schema()) &&
                       write(at(describe::kManualFile), describe::manual(read(at(describe::kManualForm))));
  return written ? 0 : 1;
}
